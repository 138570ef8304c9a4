from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.within_source import within_source_scores

CLASSES = ("Normal", "Benign", "Malignant")
# label, source, probability of malignant given a tumour, probability of normal
TUMOURS = [
    ("Malignant", "x", 0.9, 0.5),
    ("Malignant", "x", 0.4, 0.0),
    ("Benign", "x", 0.5, 0.9),
    ("Benign", "x", 0.1, 0.2),  # x: of four pairs only 0.4 against 0.5 is wrong
    ("Malignant", "y", 0.3, 0.1),
    ("Malignant", "y", 0.3, 0.7),
    ("Benign", "y", 0.2, 0.3),
    ("Benign", "y", 0.6, 0.0),
    ("Benign", "y", 0.3, 0.0),  # y: of six pairs two right, two wrong, two level
    ("Benign", "z", 0.7, 0.4),
    ("Benign", "z", 0.6, 0.4),
    ("Malignant", "", 0.2, 0.4),  # counts in the overall figure only
]
# label, source and number of train images
TRAIN = [("Malignant", "x", 3), ("Benign", "x", 1), ("Benign", "y", 4), ("Malignant", "y", 1), ("Normal", "y", 5)]


def predictions(rows: list[tuple[str, str, float, float]] = TUMOURS, **columns: object) -> PredictionsTable:
    normal = np.array([row[3] for row in rows])
    given = np.array([row[2] for row in rows])
    probabilities = np.column_stack([normal, (1 - normal) * (1 - given), (1 - normal) * given])
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"i{row}" for row in range(len(rows))],
        labels=[row[0] for row in rows],
        probabilities=probabilities,
        **{"source": [row[1] for row in rows], **columns},
    )


def manifest() -> pd.DataFrame:
    train = [("train", label, source) for label, source, count in TRAIN for _ in range(count)]
    frame = pd.DataFrame(
        [*train, *(("test", label, source) for label, source, *_ in TUMOURS)], columns=["split", "label", "source"]
    )
    ids = [f"t{row}" for row in range(len(train))] + [f"i{row}" for row in range(len(TUMOURS))]
    return frame.assign(image_id=ids, case_id=ids)


def test_each_source_by_hand_and_the_pooled_figure_by_pairs() -> None:
    found = within_source_scores(gather_facts(predictions(), manifest()), Resampling(300))
    assert found["sources"]["x"]["value"] == pytest.approx(3 / 4)
    assert found["sources"]["y"]["value"] == pytest.approx((2 + 0.5 * 2) / 6)
    assert found["sources"]["z"]["value"] is None
    assert found["sources"]["z"]["reason"] == "no Malignant image of this source in this part"
    assert {key: found["pooled"][key] for key in ("malignant", "benign", "pairs")} == {
        "malignant": 4,
        "benign": 5,
        "pairs": 10,
    }
    assert found["pooled"]["value"] == pytest.approx((3 + 3) / 10)
    assert found["pooled"]["low"] < 0.6 < found["pooled"]["high"]
    malignant = [row[0] == "Malignant" for row in TUMOURS]
    assert found["overall"]["value"] == pytest.approx(roc_auc_score(malignant, [row[2] for row in TUMOURS]))
    assert found["overall"]["pairs"] == 5 * 7


def test_the_source_alone_is_its_share_of_malignant_tumours_in_train() -> None:
    found = within_source_scores(gather_facts(predictions(), manifest()), Resampling(300))
    share = {"x": 3 / 4, "y": 1 / 5, "z": 4 / 9, "": 4 / 9}  # where train has none, the share over all sources
    malignant = [row[0] == "Malignant" for row in TUMOURS]
    expected = roc_auc_score(malignant, [share[row[1]] for row in TUMOURS])
    assert found["source_alone"]["value"] == pytest.approx(expected)
    assert found["unseen"] == ["z"]


def test_a_source_that_train_has_not_is_told_with_the_figure_of_the_source_alone() -> None:
    found = within_source_scores(gather_facts(predictions(), manifest()), Resampling(300))
    told = (
        "for 3 of 12 tumours train has none of their source: the share over all sources stands in"  # z, z, none given
    )
    assert found["source_alone"]["reason"].startswith(told)
    assert found["unseen_n"] == 3


def test_sources_that_are_all_new_give_the_source_alone_no_figure() -> None:
    # as on a split by center: all shares would be the mean, and the area 0.5 whatever the sources are
    elsewhere = manifest().assign(source=lambda frame: frame["source"].where(frame["split"] == "test", "far away"))
    found = within_source_scores(gather_facts(predictions(), elsewhere), Resampling(300))
    assert found["source_alone"] == {"reason": "train has no tumour of these sources"}
    assert (found["unseen"], found["unseen_n"]) == (["x", "y", "z"], 12)
    assert found["pooled"]["value"] == pytest.approx(0.6)


def test_normals_take_no_part() -> None:
    normals = [("Normal", "x", 0.99, 0.0), ("Normal", "y", 0.0, 0.0)]
    with_normals = within_source_scores(gather_facts(predictions([*TUMOURS, *normals])), Resampling(100))
    assert with_normals["pooled"]["value"] == pytest.approx(0.6)
    assert with_normals["overall"]["pairs"] == 5 * 7


def test_no_tumour_probability_at_all_says_nothing() -> None:
    rows = [("Malignant", "x", 0.0, 1.0), ("Benign", "x", 0.5, 0.0), ("Malignant", "x", 0.6, 0.0)]
    found = within_source_scores(gather_facts(predictions(rows)), Resampling(100))
    assert found["sources"]["x"]["value"] == pytest.approx((0.5 + 1) / 2)
    assert found["sources"]["x"]["low"] is None
    assert found["sources"]["x"]["reason"] == "all Benign images are of one case: no interval"
    assert found["pooled"]["value"] == found["sources"]["x"]["value"]
    assert found["pooled"]["reason"] == "in x all images of a class are of one case, so the interval is too narrow"


def test_the_interval_of_the_pooled_figure_agrees_with_theory() -> None:
    # a source of 60 and 60 images of which the scores say nothing: the variance of Mann and Whitney's statistic
    generator = np.random.default_rng(2)
    rows = [("Malignant" if row < 60 else "Benign", "x", generator.random(), 0.0) for row in range(120)]
    pooled = within_source_scores(gather_facts(predictions(rows)), Resampling(2000))["pooled"]
    expected = math.sqrt((60 + 60 + 1) / (12 * 60 * 60))
    assert (pooled["high"] - pooled["low"]) / (2 * 1.96) == pytest.approx(expected, rel=0.12)


def test_a_case_of_two_sources_is_drawn_for_both_at_once() -> None:
    # Every case has the same image in x and in y: all resamples rank them alike, so pooling adds no knowledge.
    generator = np.random.default_rng(3)
    single = [("Malignant" if row < 20 else "Benign", generator.random(), f"case{row}") for row in range(40)]
    rows = [(label, source, score, 0.0) for source in "xy" for label, score, _ in single]
    found = within_source_scores(
        gather_facts(predictions(rows, case_id=[case for *_, case in single] * 2)), Resampling(200)
    )
    limits = [
        (own["value"], own["low"], own["high"])
        for own in (found["pooled"], found["sources"]["x"], found["sources"]["y"])
    ]
    assert limits[1] == pytest.approx(limits[0])
    assert limits[2] == pytest.approx(limits[0])


def test_what_is_missing_is_named() -> None:
    resampling = Resampling(100)
    assert "source" in within_source_scores(gather_facts(predictions(source="")), resampling)["reason"]
    no_manifest = within_source_scores(gather_facts(predictions()), resampling)
    assert no_manifest["source_alone"]["reason"].startswith("it is not known which images")
    apart = [("Malignant", "x", 0.9, 0.5), ("Benign", "y", 0.9, 0.5)]
    assert within_source_scores(gather_facts(predictions(apart)), resampling)["pooled"]["value"] is None
    two = PredictionsTable.from_arrays(
        ("whole", "broken"), image_ids=["a"], labels=["whole"], probabilities=np.array([[0.5, 0.5]])
    )
    assert within_source_scores(gather_facts(two), resampling)["possible"] is False
