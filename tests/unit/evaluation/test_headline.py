from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from osteolens.evaluation.headline import METRICS, headline, paired_difference, separate_difference
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Benign", "Malignant")


def answers(chosen: list[int], labels: list[int], *, prefix: str = "i") -> PredictionsTable:
    """A table in which image k is called `chosen[k]` with probability 0.8."""
    probabilities = np.full((len(labels), 3), 0.1)
    probabilities[np.arange(len(labels)), chosen] = 0.8
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{prefix}{row}" for row in range(len(labels))],
        labels=np.array(CLASSES)[labels],
        probabilities=probabilities,
    )


def test_the_figures_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(3, size=90)
    probabilities = generator.dirichlet(np.ones(3), 90)
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{row}" for row in range(90)],
        labels=np.array(CLASSES)[labels],
        probabilities=probabilities,
        case_id=[f"case{row // 3}" for row in range(90)],
    )
    scores = headline(table, Resampling(200))
    chosen = probabilities.argmax(axis=1)
    assert scores["n"] == 90
    assert scores["cases"] == 30
    assert scores["per_class_n"] == {name: int((labels == k).sum()) for k, name in enumerate(CLASSES)}
    assert scores["accuracy"]["value"] == pytest.approx(sk.accuracy_score(labels, chosen))
    assert scores["balanced_accuracy"]["value"] == pytest.approx(sk.balanced_accuracy_score(labels, chosen))
    assert scores["macro_auc"]["value"] == pytest.approx(sk.roc_auc_score(labels, probabilities, multi_class="ovr"))
    recalls = [entry["value"] for entry in scores["sensitivity"].values()]
    assert recalls == pytest.approx(sk.recall_score(labels, chosen, average=None))
    assert all(scores[name]["low"] < scores[name]["value"] < scores[name]["high"] for name in METRICS)


def test_a_paired_difference_is_first_minus_second() -> None:
    labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    better = answers([0, 0, 0, 0, 1, 1, 1, 0, 2, 0], labels)  # 8 of 10, benign 3 of 4
    worse = answers([0, 0, 0, 1, 1, 0, 0, 0, 2, 0], labels)  # 5 of 10, benign 1 of 4
    difference = paired_difference(better, worse, Resampling(500))
    assert difference["accuracy"]["value"] == pytest.approx(0.3)
    assert difference["sensitivity"]["Benign"]["value"] == pytest.approx(0.5)
    assert difference["accuracy"]["low"] <= 0.3 <= difference["accuracy"]["high"]
    assert paired_difference(worse, better, Resampling(500))["accuracy"]["value"] == pytest.approx(-0.3)


def test_the_difference_of_two_sets_has_the_variance_of_both() -> None:
    # in each set 40 images a class, right 30, 20 and 10 times: hits are binomial in each class
    labels = [0] * 40 + [1] * 40 + [2] * 40
    chosen = [0] * 30 + [1] * 10 + [1] * 20 + [2] * 20 + [2] * 10 + [0] * 30
    first, second = (answers(chosen, labels, prefix=prefix) for prefix in "ab")
    accuracy = separate_difference(first, second, Resampling(4000))["accuracy"]
    variance = (30 * 10 + 20 * 20 + 10 * 30) / 40 / 120**2
    assert accuracy["value"] == 0
    assert accuracy["high"] - accuracy["low"] == pytest.approx(2 * 1.96 * math.sqrt(2 * variance), rel=0.06)


def test_what_one_set_cannot_tell_has_no_difference() -> None:
    first = answers([0, 0, 1, 1, 2, 0], [0, 0, 1, 1, 2, 2])
    second = answers([0, 1, 1, 1], [0, 0, 1, 1], prefix="b")
    difference = separate_difference(first, second, Resampling(200))
    assert difference["accuracy"]["value"] == pytest.approx(5 / 6 - 3 / 4)
    assert difference["macro_auc"]["value"] is None
    assert difference["macro_auc"]["reason"] == "no Malignant image in this part"
    assert difference["sensitivity"]["Malignant"]["value"] is None
    assert difference["sensitivity"]["Normal"]["value"] == pytest.approx(0.5)
