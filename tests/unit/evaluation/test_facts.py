from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.predictions import PredictionsTable

CLASSES = ("Normal", "Benign", "Malignant")
MANIFEST = pd.DataFrame(
    [
        ("c.jpg", "train", "Benign", "k1", "1", "hospital"),
        ("b.jpg", "test", "Malignant", "k1", "1", "hospital"),
        ("a.jpg", "test", "Normal", "k2", "2", "web"),
        ("d.jpg", "val", "Normal", "k3", "2", "web"),
        ("0.jpg", "train", "Normal", "k4", "2", "web"),
    ],
    columns=["image_id", "split", "label", "case_id", "center", "source"],
)


def table(**columns: object) -> PredictionsTable:
    given = {"image_ids": ["a.jpeg", "b.jpeg"], "labels": ["Normal", "Malignant"], **columns}
    return PredictionsTable.from_arrays(CLASSES, probabilities=np.full((len(given["image_ids"]), 3), 1 / 3), **given)


def test_images_are_matched_without_suffix_and_the_cases_are_the_manifests() -> None:
    metadata = pd.DataFrame({"image_id": ["c.png", "b.png"], "age": [12, "?"], "gender": [None, " F "]})
    facts = gather_facts(table(view=["frontal", "lateral"]), MANIFEST, metadata)
    assert facts.train is not None
    assert facts.train.index.tolist() == ["0", "c"]
    assert facts.train["case_id"].tolist() == ["k4", "k1"]
    assert math.isnan(facts.train["age"].iloc[0])
    assert facts.train["age"].iloc[1] == 12.0
    assert facts.train["gender"].tolist() == ["", ""]
    assert facts.evaluated.index.tolist() == ["a", "b"]  # the order of the predictions table
    assert facts.evaluated["age"].isna().all()
    assert facts.evaluated["gender"].tolist() == ["", "F"]
    assert facts.evaluated["view"].tolist() == ["frontal", "lateral"]  # known to the predictions table alone
    assert facts.table.cases.tolist() == ["k2", "k1"]
    assert facts.table.frame["source"].tolist() == ["web", "hospital"]


def test_of_a_column_in_several_tables_the_first_counts() -> None:
    both = {"image_id": ["a", "b", "c", "0"], "center": ["9"] * 4}
    metadata = pd.DataFrame({**both, "width": [1, 2, 3, 4]})
    headers = pd.DataFrame({**both, "width": [5, 6, 7, 8], "bytes": [10, 20, 30, 40]})
    facts = gather_facts(table(age=["50", "60"]), MANIFEST, metadata, headers)
    assert facts.evaluated["center"].tolist() == ["2", "1"]
    assert facts.evaluated["width"].tolist() == [1.0, 2.0]
    assert facts.evaluated["bytes"].tolist() == [10.0, 20.0]
    assert facts.evaluated["age"].tolist() == [50.0, 60.0]


def test_without_a_manifest_the_predictions_table_speaks_for_itself() -> None:
    facts = gather_facts(table(case_id=["x", "y"], age=["50", ""]))
    assert facts.train is None
    assert facts.evaluated["case_id"].tolist() == ["x", "y"]
    assert facts.evaluated["age"].iloc[0] == 50.0
    assert math.isnan(facts.evaluated["age"].iloc[1])


def test_pictures_of_one_name_in_two_folders_are_two_images() -> None:
    facts = gather_facts(table(image_ids=["x/1.png", r"y\1.png"]))
    assert facts.evaluated.index.tolist() == ["x/1", "y/1"]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (MANIFEST.drop(columns="image_id"), "the manifest has no column image_id"),
        (MANIFEST.drop(columns="label"), "the manifest has no column label"),
        (MANIFEST[MANIFEST["split"] != "train"], "no train part"),
        (pd.concat([MANIFEST, MANIFEST.head(1)]), r"the manifest lists 1 image\(s\) more than once, for example c\."),
        (MANIFEST.iloc[:2], r"does not list 1 evaluated image\(s\), such as a\."),
        (MANIFEST.replace({"split": {"test": "train"}}), r"has in its train part 2 evaluated image\(s\), such as a\."),
        (MANIFEST.replace({"label": {"Malignant": "Benign"}}), r"gives another label to 1 .* such as b\."),
        (MANIFEST.replace({"label": {"Benign": "Fracture"}}), "the manifest has the label.s. Fracture"),
    ],
)
def test_a_manifest_of_another_model_is_refused(manifest: pd.DataFrame, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        gather_facts(table(), manifest)


def test_one_part_at_a_time_and_each_image_once() -> None:
    with pytest.raises(EvaluationError, match=r"the splits test, val.*part\(\)"):
        gather_facts(table(split=["test", "val"]))
    headers = pd.DataFrame({"image_id": ["a.jpg", "a.png"], "width": [1, 2]})
    with pytest.raises(EvaluationError, match="the table of headers lists 1"):
        gather_facts(table(), None, None, headers)
