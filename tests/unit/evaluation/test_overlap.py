from __future__ import annotations

import math

import numpy as np
import pytest
from compared import answers, case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from osteolens.errors import EvaluationError
from osteolens.evaluation.headline import separate_difference
from osteolens.evaluation.overlap import joint_weights, overlapping_difference
from osteolens.evaluation.paired import compare
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.randomness import named_generator

CLASSES = ("Normal", "Benign", "Malignant")
SHARED, OWN = 20, 20  # images of each class in both tables, and in one only; every image is a case


def hits(prefix: str, of_shared: int, of_own: int) -> PredictionsTable:
    """A table in which the first so many images of each class are right, of those in both and of its own."""
    ids, labels, chosen = [], [], []
    for k in range(3):
        for kind, number, right in (("both", SHARED, of_shared), (prefix, OWN, of_own)):
            ids += [f"{kind}{k}-{row:02d}" for row in range(number)]
            labels += [k] * number
            chosen += [k if row < right else (k + 1) % 3 for row in range(number)]
    probabilities = np.full((len(ids), 3), 0.1)
    probabilities[np.arange(len(ids)), chosen] = 0.8
    return PredictionsTable.from_arrays(
        CLASSES, image_ids=ids, labels=np.array(CLASSES)[labels], probabilities=probabilities
    )


def width(entry: dict[str, float]) -> float:
    return entry["high"] - entry["low"]


def test_the_same_images_give_the_paired_comparison_to_the_digit() -> None:
    images = list(range(60))
    first, second = answers(images, skill=0.5), answers(images, skill=0.2, seed=1)
    found = overlapping_difference(first, second, Resampling(200, 0.95, 7))
    paired = compare(second, first, Resampling(200, 0.95, 7))
    for metric in ("accuracy", "balanced_accuracy", "macro_auc"):
        ours, theirs = found["figures"][metric], paired["overall"][metric]
        assert [ours[key] for key in ("low", "high")] == [theirs[key] for key in ("low", "high")]
        assert (ours["value"], ours["first"], ours["second"]) == (
            theirs["difference"],
            theirs["second"],
            theirs["first"],
        )
    ours, theirs = found["figures"]["sensitivity"]["Malignant"], paired["per_class"]["Malignant"]["sensitivity"]
    assert [ours[key] for key in ("low", "high")] == [theirs[key] for key in ("low", "high")]
    assert found["overlap"] == {"cases_first": 30, "cases_second": 30, "cases_both": 30, "images_both": 60}


def test_without_a_case_in_common_it_is_the_difference_of_two_sets() -> None:
    first, second = answers(list(range(48))), answers(list(range(48, 90)), skill=0.2)
    found = overlapping_difference(first, second, Resampling(4000))
    apart = separate_difference(first, second, Resampling(4000))
    assert found["overlap"]["cases_both"] == found["overlap"]["images_both"] == 0
    for metric in ("accuracy", "balanced_accuracy", "macro_auc"):
        ours, theirs = found["figures"][metric], apart[metric]
        assert ours["value"] == pytest.approx(theirs["value"])
        assert width(ours) == pytest.approx(width(theirs), rel=0.06)
        assert ours["low"] == pytest.approx(theirs["low"], abs=0.02)


def test_the_variance_with_an_overlap_is_the_one_worked_by_hand() -> None:
    # Each class: own images 15 and 10 of 20 right, and of the 20 in both a right 15 times, b in 10 of these, so that
    # a - b is 1 for 5 images and 0 for 15. Drawing n from n values adds n times their variance to a sum.
    first, second = hits("a", 15, 15), hits("b", 10, 10)
    found = overlapping_difference(first, second, Resampling(4000))["figures"]["accuracy"]
    variance = 3 * (20 * 0.75 * 0.25 + 20 * 0.5 * 0.5 + 20 * 0.25 * 0.75) / 120**2
    assert found["value"] == pytest.approx(0.25)
    assert width(found) == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.06)
    # forgetting what is shared: twice the variance of the images in both, those of a and those of b
    apart = separate_difference(first, second, Resampling(4000))["accuracy"]
    forgotten = 3 * (40 * 0.75 * 0.25 + 40 * 0.5 * 0.5) / 120**2
    assert width(apart) == pytest.approx(2 * 1.96 * math.sqrt(forgotten), rel=0.06)
    assert width(found) < 0.88 * width(apart)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40), min_size=1), st.integers(0, 2**32 - 1))
def test_shared_cases_are_drawn_together_and_every_class_keeps_its_size(
    one: set[int], other: set[int], seed: int
) -> None:
    first, second = answers(sorted(one)), answers(sorted(other), seed=1)
    weights = joint_weights(first, second, 10, np.random.default_rng(seed))
    drawn: dict[str, list[int]] = {}
    for table, own in zip((first, second), weights, strict=True):
        assert own.shape == (10, len(table))
        for image, case in enumerate(table.cases):
            assert drawn.setdefault(case, own[:, image].tolist()) == own[:, image].tolist()
    for images in (one, other):  # a case of these tables has one class, told by the last letter of its name
        for label in range(3):
            cases = {case_of(image) for image in images if image % 3 == label}
            assert np.sum([drawn[case] for case in cases] or [[0] * 10], axis=0).tolist() == [len(cases)] * 10


def test_the_order_of_rows_does_not_matter() -> None:
    first, second = answers(list(range(40))), answers(list(range(20, 70)), seed=1)
    turned = PredictionsTable(first.class_names, first.frame.iloc[::-1])
    for plain, changed in zip(
        joint_weights(first, second, 5, named_generator(1, "x")),
        joint_weights(turned, second, 5, named_generator(1, "x")),
        strict=True,
    ):
        assert (plain == changed[:, :: 1 if len(plain[0]) == len(second) else -1]).all()


def test_another_order_of_the_classes_does_not_matter() -> None:
    first, second = answers(list(range(40))), answers(list(range(20, 70)), seed=1)
    turned = PredictionsTable(CLASSES[::-1], second.frame)
    assert overlapping_difference(first, turned, Resampling(100)) == overlapping_difference(
        first, second, Resampling(100)
    )


def test_images_that_are_not_the_same_in_both_are_refused() -> None:
    first, second = answers(list(range(40))), answers(list(range(20, 70)), seed=1)
    frame = second.frame.copy()
    frame.loc[0, "case_id"] = "another"
    with pytest.raises(EvaluationError, match=r"another case or label to 1 images that are in both \(IMG000020\)"):
        overlapping_difference(first, PredictionsTable(CLASSES, frame), Resampling(100))


def test_a_figure_that_one_part_cannot_tell_has_no_gap() -> None:
    first = answers(list(range(40)))
    second = answers([image for image in range(40, 80) if image % 3 < 2])
    figures = overlapping_difference(first, second, Resampling(100))["figures"]
    assert figures["macro_auc"]["value"] is None
    assert figures["macro_auc"]["first"] is not None
    assert figures["macro_auc"]["reason"] == "no Malignant image in this part"
    assert figures["malignant_sensitivity_at_specificity"]["reason"] == "no Malignant image in this part"
    assert figures["accuracy"]["value"] is not None
