from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.conformal import ConformalSets
from osteolens.evaluation.decisions import NOTHING_FITTED, decisions
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.storage import write_json

CLASSES = ("Normal", "Benign", "Malignant")


def made_up(split: str, names: tuple[str, ...] = CLASSES, cases: int = 90, classes: int = 3) -> PredictionsTable:
    """Two images per case, of the first `classes` classes in turn."""
    generator = np.random.default_rng(len(split))
    labels = np.arange(2 * cases) // 2 % classes
    scores = generator.dirichlet(np.ones(3), 2 * cases) + 0.7 * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        names,
        image_ids=[f"{split}{index:04d}.jpeg" for index in range(2 * cases)],
        labels=np.array(names)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        case_id=[f"{split}{index // 2}" for index in range(2 * cases)],
        split=split,
    )


@pytest.fixture(scope="module")
def both() -> dict:
    return decisions(made_up("val"), made_up("test"), Resampling(100))


def test_everything_is_plain_json(both: dict, tmp_path: Path) -> None:
    path = write_json(tmp_path / "decisions.json", both)
    assert json.loads(path.read_text(encoding="utf-8")) == both
    assert (both["fitted"], both["reason"], both["probabilities"]) == (True, None, "temperature")
    assert both["validation"] == {"split": "val", "n": 180, "cases": 90}
    assert both["test"] == {"split": "test", "n": 180, "cases": 90}
    assert both["cases_in_both"] == 0


def test_the_records_that_are_applied_give_what_is_reported(both: dict) -> None:
    test = made_up("test")
    scaling = Scaling.from_json(both["calibration"]["temperature"]["scaling"])
    calibrated = scaling.apply(test.probabilities)
    nll = -np.log(calibrated[np.arange(180), test.labels]).mean()
    assert both["calibration"]["temperature"]["test"]["nll"]["value"] == pytest.approx(nll)
    sets = ConformalSets.from_json(both["conformal"]["sets"]).apply(test.probabilities)
    assert both["conformal"]["test"]["mean_size"] == pytest.approx(sets.sum(axis=1).mean())
    assert both["conformal"]["reason"] is None
    points = both["operating_points"]["questions"]["Malignant against the rest"]
    for name, figure in (("high_sensitivity", "sensitivity"), ("high_specificity", "specificity")):
        point = points[name]
        assert point["validation"][figure]["value"] >= point["aim"][figure]
        called = calibrated[:, 2] > point["threshold"]
        assert point["test"]["sensitivity"]["value"] == pytest.approx(called[test.labels == 2].mean())
        assert point["test"]["specificity"]["value"] == pytest.approx((~called)[test.labels != 2].mean())
    assert both["selective"]["aurc"]["chance"] == pytest.approx((calibrated.argmax(axis=1) != test.labels).mean())
    assert set(both["decision_curves"]) == {"Malignant against the rest", "Any tumour against Normal"}


def test_test_labels_choose_nothing(both: dict) -> None:
    test = made_up("test")
    others = PredictionsTable(CLASSES, test.frame.assign(label=np.roll(test.frame["label"], 7)))
    changed = decisions(made_up("val"), others, Resampling(100))
    assert changed["selective"] != both["selective"]
    for method in ("temperature", "vector"):
        assert changed["calibration"][method]["scaling"] == both["calibration"][method]["scaling"]
        assert changed["calibration"][method]["validation"] == both["calibration"][method]["validation"]
    assert changed["conformal"]["sets"] == both["conformal"]["sets"]
    assert changed["prior_shift"]["shares"]["estimated"] == both["prior_shift"]["shares"]["estimated"]
    for question, points in both["operating_points"]["questions"].items():
        for name, point in points.items():
            assert changed["operating_points"]["questions"][question][name]["threshold"] == point["threshold"]


def test_without_a_test_part_nothing_is_fitted() -> None:
    found = decisions(None, made_up("val"), Resampling(100))
    assert (found["fitted"], found["reason"], found["validation"]) == (False, NOTHING_FITTED, None)
    assert found["probabilities"] == "as_predicted"
    for part in (found["operating_points"], found["conformal"], found["prior_shift"]):
        assert part["reason"] == NOTHING_FITTED
    for method in ("temperature", "vector"):
        assert found["calibration"][method] == {
            "scaling": None,
            "reason": NOTHING_FITTED,
            "validation": None,
            "test": None,
        }
    assert found["calibration"]["as_predicted"]["test"]["nll"]["value"] > 0
    assert found["selective"]["augrc"]["value"] > 0
    assert found["decision_curves"]["Malignant against the rest"]["reason"] is None


def test_a_class_that_validation_lacks() -> None:
    found = decisions(made_up("val", classes=2), made_up("test"), Resampling(100))
    assert "images of 3 classes in the validation part; there are 2" in found["calibration"]["vector"]["reason"]
    assert found["calibration"]["temperature"]["reason"] is None
    assert "images of 3 classes" in found["prior_shift"]["reason"]
    assert "0 calibration cases of Malignant" in found["conformal"]["reason"]
    assert found["conformal"]["test"]["per_class"]["Malignant"]["coverage"]["value"] == 1.0
    point = found["operating_points"]["questions"]["Malignant against the rest"]["high_sensitivity"]
    assert (point["threshold"], point["test"]) == (None, None)
    assert point["reason"] == "no positive image in the validation part"


def test_a_class_that_test_lacks(tmp_path: Path) -> None:
    found = decisions(made_up("val"), made_up("test", classes=2), Resampling(100))
    assert json.loads(write_json(tmp_path / "d.json", found).read_text(encoding="utf-8")) == found
    point = found["operating_points"]["questions"]["Malignant against the rest"]["high_sensitivity"]
    assert point["test"]["sensitivity"] == {
        "value": None,
        "low": None,
        "high": None,
        "reason": "no image",
        "n": 0,
        "cases": 0,
    }
    assert "all images are negative" in found["decision_curves"]["Malignant against the rest"]["reason"]
    assert found["prior_shift"]["before"]["balanced_accuracy"] is None


def test_prior_shift_is_seen_and_helps() -> None:
    validation, test = made_up("val", cases=600), made_up("test", cases=600)
    kept = (test.labels == 2) | (np.arange(1200) % 6 == 0)  # classes 0 and 1 to a third: three in five are malignant
    shift = decisions(validation, test.subset(kept), Resampling(100))["prior_shift"]
    assert shift["shares"]["validation"] == pytest.approx(dict.fromkeys(CLASSES, 1 / 3))
    assert shift["shares"]["estimated"]["Malignant"] == pytest.approx(shift["shares"]["test"]["Malignant"], abs=0.06)
    assert shift["after"]["nll"] < shift["before"]["nll"]


def test_order_of_rows_and_seed() -> None:
    validation, test = made_up("val"), made_up("test")
    first = decisions(validation, test, Resampling(100))
    turned = decisions(PredictionsTable(CLASSES, validation.frame.iloc[::-1]), test, Resampling(100))
    assert turned["conformal"]["sets"] == first["conformal"]["sets"]
    assert decisions(validation, test, Resampling(100)) == first
    assert decisions(validation, test, Resampling(100, seed=7))["conformal"] != first["conformal"]


def test_other_class_names_are_each_asked_about() -> None:
    names = ("none", "crack", "break")
    found = decisions(made_up("val", names), made_up("test", names), Resampling(100))
    assert list(found["decision_curves"]) == [f"{name} against the rest" for name in names]


def test_tables_that_do_not_belong_together_are_refused() -> None:
    validation, test = made_up("val"), made_up("test")
    with pytest.raises(EvaluationError, match=r"180 images are in validation and in test, such as test0000\.jpeg"):
        decisions(test, test, Resampling(100))
    with pytest.raises(EvaluationError, match="has the classes none, crack, break and test Normal"):
        decisions(made_up("val", ("none", "crack", "break")), test, Resampling(100))
    mixed = PredictionsTable(CLASSES, test.frame.assign(split=["test", "val"] * 90))
    with pytest.raises(EvaluationError, match=r"splits test, val\. Choose one with part\(\)"):
        decisions(validation, mixed, Resampling(100))


def test_cases_in_both_parts_are_counted() -> None:
    test = made_up("test")
    leaking = PredictionsTable(CLASSES, test.frame.assign(case_id=made_up("val").frame["case_id"]))
    assert decisions(made_up("val"), leaking, Resampling(100))["cases_in_both"] == 90


def test_no_figure_is_nan_or_infinite(both: dict) -> None:
    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            return [number for item in value.values() for number in numbers(item)]
        if isinstance(value, list):
            return [number for item in value for number in numbers(item)]
        return [value] if isinstance(value, float) else []

    assert all(map(math.isfinite, numbers(both)))
    assert len(numbers(both)) > 500


@pytest.mark.parametrize(
    ("epoch_chosen", "begins"),
    [(True, "The validation images also chose the epoch"), (None, "It is not known whether the validation images")],
)
def test_what_else_the_validation_images_chose_is_told(epoch_chosen: bool | None, begins: str) -> None:
    found = decisions(made_up("val"), made_up("test"), Resampling(100), epoch_chosen=epoch_chosen)
    assert found["chosen_on"].startswith(begins)
    assert found["chosen_on"].endswith("what is fitted on them may promise a little too much.")


def test_nothing_is_told_where_the_validation_images_chose_nothing_else(both: dict) -> None:
    found = decisions(made_up("val"), made_up("test"), Resampling(100), epoch_chosen=False)
    assert found["chosen_on"] is None
    assert {**both, "chosen_on": None} == found
    assert decisions(None, made_up("test"), Resampling(100), epoch_chosen=True)["chosen_on"] is None
