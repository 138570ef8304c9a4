from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteolens.config import load_config
from osteolens.data.leakage import measure_leakage
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.siblings import sibling_scores

CLASSES = ("Normal", "Malignant")
# image, label, called, case, source
EVALUATED = [
    ("a", "Normal", "Normal", "k1", "hospital"),
    ("b", "Normal", "Normal", "k2", "hospital"),
    ("c", "Malignant", "Malignant", "k3", "web"),
    ("d", "Malignant", "Malignant", "k4", "web"),
    ("e", "Normal", "Normal", "k5", "web"),
    ("f", "Normal", "Malignant", "k6", "web"),
    ("g", "Malignant", "Normal", "k7", ""),
    ("h", "Malignant", "Normal", "k7", ""),
]


def predictions() -> PredictionsTable:
    rows = pd.DataFrame(EVALUATED, columns=["image", "label", "called", "case", "source"])
    malignant = np.where(rows["called"] == "Malignant", 0.7, 0.3)
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=rows["image"],
        labels=rows["label"],
        probabilities=np.column_stack([1 - malignant, malignant]),
        case_id=rows["case"],
        source=rows["source"],
    )


def manifest(train_cases: list[str], *, cases_of_images: bool = True) -> pd.DataFrame:
    train = [(f"t{row}", "train", "Normal", case, "hospital") for row, case in enumerate(train_cases)]
    evaluated = [
        (image, "test", label, case if cases_of_images else image, source)
        for image, label, _, case, source in EVALUATED
    ]
    return pd.DataFrame(train + evaluated, columns=["image_id", "split", "label", "case_id", "source"])


def test_both_halves_by_hand() -> None:
    facts = gather_facts(predictions(), manifest(["k1", "k2", "k2", "k3", "k4", "k9"]))
    found = sibling_scores(facts, Resampling(200))
    seen, new = found["with_sibling"], found["without_sibling"]
    assert found["cases_known"] is True
    assert (seen["n"], seen["cases"], new["n"], new["cases"]) == (4, 4, 4, 3)
    assert seen["accuracy"]["value"] == 1
    assert new["accuracy"]["value"] == pytest.approx(0.25)
    assert new["sensitivity"]["Normal"]["value"] == pytest.approx(0.5)
    assert new["sensitivity"]["Malignant"]["value"] == 0
    assert new["sensitivity"]["Malignant"]["high"] == pytest.approx(
        1.959964**2 / (1 + 1.959964**2), abs=1e-6
    )  # one case
    assert seen["per_source_n"] == {"hospital": 2, "web": 2}
    assert new["per_source_n"] == {"": 2, "web": 2}
    assert found["difference"]["accuracy"]["value"] == pytest.approx(0.75)
    assert found["difference"]["balanced_accuracy"]["value"] == pytest.approx(0.75)
    assert found["difference"]["balanced_accuracy"]["low"] is None


@pytest.mark.parametrize(("train_cases", "seen"), [(["k9"], 0), (["k1", "k2", "k3", "k4", "k5", "k6", "k7"], 8)])
def test_an_empty_half_has_no_figures(train_cases: list[str], seen: int) -> None:
    found = sibling_scores(gather_facts(predictions(), manifest(train_cases)), Resampling(100))
    assert (found["with_sibling"]["n"], found["without_sibling"]["n"]) == (seen, 8 - seen)
    assert {"n": 0} in (found["with_sibling"], found["without_sibling"])
    assert found["difference"] is None


def test_a_case_per_image_tells_nothing_of_siblings() -> None:
    found = sibling_scores(gather_facts(predictions(), manifest(["t0", "t1"], cases_of_images=False)), Resampling(100))
    assert found["cases_known"] is False


def test_without_cases_it_is_not_possible() -> None:
    for given in (None, manifest(["k1", ""]), manifest(["k1"]).drop(columns="case_id")):
        found = sibling_scores(gather_facts(predictions(), given), Resampling(100))
        assert found["possible"] is False
        assert found["reason"]


@pytest.mark.real_data
def test_the_published_split_has_as_many_siblings_as_leakcheck_finds(btxrd256: Path) -> None:
    config = load_config(None, [f"data.root={btxrd256}"])
    frame = make_split(load_radiographs(config.data), "published", config).frame
    part = frame[frame["split"] == "val"]
    classes = ("Normal", "Benign", "Malignant")
    table = PredictionsTable.from_arrays(
        classes,
        image_ids=part["image_id"],
        labels=part["label"],
        probabilities=np.tile([0.5, 0.3, 0.2], (len(part), 1)),
        split="val",
    )
    found = sibling_scores(gather_facts(table, frame), Resampling(100))["with_sibling"]
    measured = measure_leakage(frame, frame[["case_id"]])["evaluation"]["val"]
    assert found["n"] == measured["overall"]["shared"]
    assert found["per_class_n"] == {name: measured["per_class"][name]["shared"] for name in classes}
    shares = [found["per_class_n"][name] / (part["label"] == name).sum() for name in ("Benign", "Malignant")]
    assert shares == pytest.approx([0.665, 0.750], abs=5e-4)  # as the field knows this split
