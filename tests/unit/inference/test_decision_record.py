from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import lively_checkpoint, run_of

from osteolens.domain import BTXRD_CLASSES
from osteolens.errors import DataError
from osteolens.inference.decision_record import DecisionRecord, read_decisions
from osteolens.models.checkpoint import load_checkpoint, network_sha256
from osteolens.storage import RunFolder, read_json, write_json

MALIGNANT = "Malignant against the rest"
WRITTEN: dict[str, Any] = {
    "predictions_sha256": "a" * 64,
    "validation_sha256": "b" * 64,
    "class_names": list(BTXRD_CLASSES),
    "chosen_on": None,
    "calibration": {
        "temperature": {
            "scaling": {
                "method": "temperature",
                "temperature": 2.0,
                "weights": [0.5, 0.5, 0.5],
                "biases": [0.0, 0.0, 0.0],
                "images": 50,
                "reason": None,
            },
            "reason": None,
        }
    },
    "conformal": {
        "sets": {"level": 0.9, "cutoffs": [0.5, 0.4, 0.05], "cases": [20, 20, 20], "reasons": [None, None, None]}
    },
    "operating_points": {
        "questions": {
            MALIGNANT: {
                "high_sensitivity": {"aim": {"sensitivity": 0.9}, "threshold": 0.15},
                "high_specificity": {"aim": {"specificity": 0.95}, "threshold": 0.21},
            }
        }
    },
}


def changed(*keys: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(WRITTEN)
    place = values
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return values


def test_what_follows_from_an_answer() -> None:
    """At temperature 2 the square roots count: 4/9, 4/9, 1/9 become 2/5, 2/5, 1/5."""
    (decision,) = DecisionRecord.from_dict(WRITTEN).decide(np.array([[4 / 9, 4 / 9, 1 / 9]]))
    assert decision.calibrated == pytest.approx({"Normal": 0.4, "Benign": 0.4, "Malignant": 0.2})
    assert decision.conformal_set == ("Benign", "Malignant")  # by the probabilities as predicted
    assert [(call.point, call.positive) for call in decision.calls] == [
        ("high_sensitivity", True),
        ("high_specificity", False),
    ]
    assert decision.calls[0].score == pytest.approx(0.2)
    assert decision.to_dict()["calls"][1]["positive"] is False


def test_without_a_temperature_the_points_are_of_the_probabilities_as_predicted() -> None:
    record = DecisionRecord.from_dict(changed("calibration", "temperature", "scaling", value=None))
    (decision,) = record.decide(np.array([[4 / 9, 4 / 9, 1 / 9]]))
    assert decision.calibrated is None
    assert [call.score for call in decision.calls] == pytest.approx([1 / 9, 1 / 9])


def test_operating_points_that_cross_are_told_once_per_question() -> None:
    points = ("operating_points", "questions", MALIGNANT)
    assert DecisionRecord.from_dict(WRITTEN).crossings == []  # 0.15 is below 0.21
    crossed = DecisionRecord.from_dict(changed(*points, "high_sensitivity", "threshold", value=0.231))
    (told,) = crossed.crossings
    assert told == (
        "Malignant against the rest: the threshold for high sensitivity (0.231) lies above that for high specificity "
        "(0.210). Both aims were met on validation images, by different thresholds. A probability between them is "
        "above the one for high specificity and not above the one for high sensitivity."
    )
    (decision,) = crossed.decide(np.array([[0.3899, 0.3899, 0.2202]]) ** 2)  # at temperature 2 the roots count: 0.2202
    assert [call.positive for call in decision.calls] == [False, True]
    assert [call.threshold for call in decision.calls] == [0.231, 0.21]
    for value in (0.21, None):  # equal points do not cross, nor does one alone
        same = DecisionRecord.from_dict(changed(*points, "high_sensitivity", "threshold", value=value))
        assert same.crossings == []


def test_where_nothing_was_fitted_nothing_follows() -> None:
    values = changed("calibration", "temperature", "scaling", value=None)
    values |= {"conformal": {"sets": None}, "operating_points": {"questions": None}, "validation_sha256": None}
    (decision,) = DecisionRecord.from_dict(values).decide(np.array([[1.0, 0.0, 0.0]]))
    assert (decision.calibrated, decision.conformal_set, decision.calls) == (None, None, ())


def test_a_record_is_read_back_the_same() -> None:
    record = DecisionRecord.from_dict(WRITTEN)
    assert DecisionRecord.from_dict(record.to_dict()) == record


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        changed("class_names", value=["Normal", "Malignant"]),
        changed("conformal", "sets", "cutoffs", value=[0.5, 0.4]),
        changed("conformal", "sets", "cutoffs", value=[0.5, 0.4, float("nan")]),
        changed("calibration", "temperature", "scaling", "weights", value=[0.5, 0.5, -1.0]),
        changed("calibration", "temperature", "scaling", "weights", value="none"),
        changed("operating_points", "questions", value={"Anything": {"p": {"aim": {}, "threshold": 0.5}}}),
        changed("operating_points", "questions", MALIGNANT, "high_sensitivity", "threshold", value="high"),
    ],
)
def test_impossible_records_are_refused(values: Any) -> None:
    with pytest.raises(DataError):
        DecisionRecord.from_dict(values)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, str]:
    root = tmp_path_factory.mktemp("run")
    checkpoint = lively_checkpoint(root / "best.pt")
    return run_of(checkpoint, root / "run"), network_sha256(load_checkpoint(checkpoint))


def test_the_decisions_of_a_run_are_those_that_eval_wrote(run: tuple[RunFolder, str]) -> None:
    folder, sha256 = run
    record = read_decisions(folder, checkpoint_sha256=sha256, class_names=BTXRD_CLASSES)
    written = read_json(folder.evaluation / "decisions.json")
    assert record.scaling is not None
    assert record.conformal is not None
    assert record.scaling.temperature == pytest.approx(written["calibration"]["temperature"]["scaling"]["temperature"])
    assert list(record.conformal.cutoffs) == written["conformal"]["sets"]["cutoffs"]
    assert len(record.points) == 4


def test_decisions_of_others_are_refused(run: tuple[RunFolder, str], tmp_path: Path) -> None:
    folder, sha256 = run
    with pytest.raises(DataError, match="answers of another checkpoint"):
        read_decisions(folder, checkpoint_sha256="0" * 64, class_names=BTXRD_CLASSES)
    with pytest.raises(DataError, match="is of the classes Normal, Benign, Malignant"):
        read_decisions(folder, checkpoint_sha256=sha256, class_names=("Fractured", "Whole"))
    with pytest.raises(DataError, match="does not exist"):
        read_decisions(RunFolder(tmp_path), checkpoint_sha256=sha256, class_names=BTXRD_CLASSES)
    copied = RunFolder(tmp_path)
    copied.predictions.write_text(folder.predictions.read_text().replace("IMG000", "IMG999"))
    write_json(copied.evaluation / "decisions.json", read_json(folder.evaluation / "decisions.json"))
    with pytest.raises(DataError, match="made from other answers"):
        read_decisions(copied, checkpoint_sha256=sha256, class_names=BTXRD_CLASSES)
