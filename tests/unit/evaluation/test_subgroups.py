from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.subgroups import subgroup_scores, subgroups

CLASSES = ("Normal", "Benign", "Malignant")


def members(frame: pd.DataFrame, column: str) -> dict[str, list[int]]:
    return {name: np.flatnonzero(inside).tolist() for name, inside in subgroups(frame, column).items()}


def test_age_bands_begin_at_whole_tens() -> None:
    ages = pd.DataFrame({"age": [0.0, 9.9, 10.0, 19.0, 69.5, 70.0, 101.0, math.nan]})
    assert members(ages, "age") == {
        "0-9": [0, 1],
        "10-19": [2, 3],
        "60-69": [4],
        "70 and over": [5, 6],
        "none given": [7],
    }


def test_lesion_bands_leave_out_images_without_a_lesion() -> None:
    areas = pd.DataFrame({"lesion_area": [0.0001, 0.003, 0.0099, 0.01, 0.03, 0.1, 1.0, math.nan]})
    assert members(areas, "lesion_area") == {
        "below 0.1%": [0],
        "0.3-1%": [1, 2],
        "1-3%": [3],
        "3-10%": [4],
        "10% and over": [5, 6],
    }


def test_an_image_of_two_views_counts_in_both() -> None:
    frame = pd.DataFrame({"view": ["frontal", "frontal+lateral", "", "lateral"], "subtype": ["", "a+b", "a", ""]})
    assert members(frame, "view") == {"frontal": [0, 1], "lateral": [1, 3], "none given": [2]}
    assert members(frame, "subtype") == {"a": [1, 2], "b": [1]}


def test_a_name_with_a_plus_is_one_source() -> None:
    assert members(pd.DataFrame({"source": ["a+b", "a"]}), "source") == {"a": [1], "a+b": [0]}


def made_up() -> PredictionsTable:
    """Sixty images; those of center 2 are answered at random, the others mostly right."""
    generator = np.random.default_rng(11)
    labels = np.arange(60) % 3
    scores = generator.dirichlet(np.ones(3), 60)
    center = np.repeat(["1", "2", "3"], [24, 21, 15])
    scores[center != "2"] += 0.6 * np.eye(3)[labels[center != "2"]]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{row}" for row in range(60)],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        center=center,
        gender="F",
        age=[str(5 + row) for row in range(60)],
    )


def test_figures_of_a_group_are_scikit_learns_and_small_groups_are_not_ranked() -> None:
    table = made_up()
    found = subgroup_scores(gather_facts(table), Resampling(200))
    centers = found["groupings"]["center"]
    assert {name: (scores["n"], scores["ranked"]) for name, scores in centers.items()} == {
        "1": (24, True),
        "2": (21, True),
        "3": (15, False),
    }
    of = (table.frame["center"] == "2").to_numpy()
    labels, probabilities = table.labels[of], table.probabilities[of]
    assert centers["2"]["accuracy"]["value"] == pytest.approx(sk.accuracy_score(labels, probabilities.argmax(axis=1)))
    assert centers["2"]["macro_auc"]["value"] == pytest.approx(
        sk.roc_auc_score(labels, probabilities, multi_class="ovr")
    )
    recall = sk.recall_score(labels, probabilities.argmax(axis=1), average=None)[2]
    assert centers["2"]["sensitivity"]["Malignant"]["value"] == pytest.approx(recall)
    assert not any(scores["ranked"] for scores in found["groupings"]["age"].values())  # ten images a band


def test_the_worst_group_is_the_lowest_of_the_ranked() -> None:
    worst = subgroup_scores(gather_facts(made_up()), Resampling(200))["worst"]
    for metric in ("accuracy", "macro_auc"):
        assert worst[metric] is not None
        assert (worst[metric]["grouping"], worst[metric]["group"], worst[metric]["n"]) == ("center", "2", 21)
        assert worst[metric]["compared"] == 2


def test_macro_auc_is_ranked_only_with_five_cases_of_each_class() -> None:
    table = made_up()
    numbers = np.arange(60)
    # center 2 holds the images 24 to 44; its seven malignant ones, 26 to 44, now are of four cases
    few = (table.labels == 2) & (numbers >= 24) & (numbers < 45)
    frame = table.frame.assign(
        case_id=np.where(few, "few" + (numbers // 6).astype(str).astype(object), numbers.astype(str))
    )
    assert frame.loc[few, "case_id"].nunique() == 4
    found = subgroup_scores(gather_facts(PredictionsTable(CLASSES, frame)), Resampling(200))
    flags = {name: own["macro_auc_ranked"] for name, own in found["groupings"]["center"].items()}
    assert (flags, found["fewest_cases"]) == ({"1": True, "2": False, "3": False}, 5)
    worst = found["worst"]
    assert (worst["accuracy"]["group"], worst["accuracy"]["compared"]) == ("2", 2)
    assert worst["macro_auc"] is None  # only center 1 is ranked: the lowest of one is none


def test_cases_of_each_class_are_counted_and_shares_of_few_have_wilsons_interval() -> None:
    table = made_up()
    numbers = np.arange(60)
    # center 3 holds the images 45 to 59, five of each class; its malignant ones, 47 to 59, now are of two cases
    few = (table.labels == 2) & (numbers >= 45)
    cases = np.where(few, np.where(numbers < 55, "a", "b"), numbers.astype(str))
    frame = table.frame.assign(case_id=cases)
    group = subgroup_scores(gather_facts(PredictionsTable(CLASSES, frame)), Resampling(200))["groupings"]["center"]["3"]
    assert group["per_class_cases"] == {"Normal": 5, "Benign": 5, "Malignant": 2}
    found = group["sensitivity"]["Malignant"]
    hits = int((table.probabilities.argmax(axis=1) == 2)[few].sum())
    number = 5**2 / (3**2 + 2**2)  # three images of one case, two of the other: Kish's effective number
    middle = (hits / 5 + 1.959964**2 / (2 * number)) / (1 + 1.959964**2 / number)
    half = (1.959964 / (1 + 1.959964**2 / number)) * math.sqrt(
        hits / 5 * (1 - hits / 5) / number + 1.959964**2 / (4 * number**2)
    )
    assert (found["low"], found["high"]) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-6)
    assert found["method"] == "wilson"


def test_groupings_that_say_nothing_are_named() -> None:
    found = subgroup_scores(gather_facts(made_up()), Resampling(100))
    assert set(found["groupings"]) == {"center", "age"}
    assert found["not_possible"]["sex"] == "all images have the same sex"
    assert found["not_possible"]["source"] == "source is not known of any image"
    assert found["not_possible"]["lesion size"] == "lesion size is not known of any image"


def test_without_a_group_of_twenty_there_is_no_worst() -> None:
    few = made_up().subset(np.arange(60) < 12)
    assert subgroup_scores(gather_facts(few), Resampling(100))["worst"] == {"accuracy": None, "macro_auc": None}
