from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, jaccard_score

from osteolens.errors import EvaluationError
from osteolens.explain.scores import Ceiling, average_precision, best_iou, centre_prior, map_scores, score_names

MASK = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], np.uint8)
THRESHOLDS = (0.3, 0.5, 1.0)


def named(heat, mask=MASK, thresholds=THRESHOLDS):
    scores = map_scores(np.array(heat, np.float32), mask, thresholds, ceiling=Ceiling(0.8, 0.9))
    return dict(zip(score_names(thresholds), scores.tolist(), strict=True))


def test_every_score_by_hand():
    scores = named([[2, 1, 0, 0.8], [0, 0, 0.2, 0]])
    assert scores == pytest.approx(
        {
            "iou_0.3": 2 / 5,  # 2, 1 and 0.8 reach 0.6: two of them among the four of the lesion
            "iou_0.5": 2 / 4,  # 2 and 1 reach 1
            "iou_1": 1 / 4,
            "ceiling": 0.8,
            "of_ceiling_0.3": 2 / 5 / 0.8,
            "of_ceiling_0.5": 2 / 4 / 0.8,
            "of_ceiling_1": 1 / 4 / 0.8,
            # 2 and 1 come first, 0.8 and 0.2 beside the lesion before its last two pixels, which tie with all others.
            "average_precision": (1 + 1) / 4 + 2 / 4 * 4 / 8,
            "pointing_game": 1,
            "pointing_ceiling": 0.9,
            "energy": 3 / 4,
            "area_share": 4 / 8,
            "energy_ratio": 1.5,
        }
    )


def test_a_map_that_looks_elsewhere():
    scores = named([[0, 0, 0, 1], [0, 0, 0, 0]])
    assert [scores[name] for name in ("iou_0.3", "pointing_game", "energy", "energy_ratio")] == [0, 0, 0, 0]


def test_a_perfect_map():
    scores = named(MASK)
    assert [scores[name] for name in ("iou_0.5", "pointing_game", "energy", "energy_ratio")] == [1, 1, 1, 2]


def test_equal_maxima_share_the_point():
    assert named([[3, 0, 3, 3], [0, 0, 3, 0]])["pointing_game"] == pytest.approx(1 / 4)


def test_a_map_without_preference_has_the_ratio_one():
    scores = named(np.ones((2, 4)))
    assert [scores[name] for name in ("iou_0.5", "pointing_game", "energy_ratio")] == [0.5, 0.5, 1]


def test_a_zero_map_marks_nothing_and_has_no_energy():
    scores = named(np.zeros((2, 4)))
    assert [scores[name] for name in ("iou_0.3", "iou_0.5", "pointing_game", "area_share")] == [0, 0, 0, 0.5]
    assert scores["of_ceiling_0.5"] == 0
    assert scores["average_precision"] == 0.5  # every pixel at once
    assert np.isnan([scores["energy"], scores["energy_ratio"]]).all()


@pytest.mark.parametrize("levels", [3, 50, 10_000])
def test_average_precision_and_best_iou_are_those_of_scikit_learn(levels):
    generator = np.random.default_rng(levels)
    mask = (generator.random((30, 40)) < 0.1).astype(np.uint8)
    heat = (generator.integers(0, levels, mask.shape) + levels // 2 * mask.astype(int)).astype(np.float32)
    expected = average_precision_score(mask.ravel(), heat.ravel())
    assert average_precision(heat, mask) == pytest.approx(expected, rel=1e-12)
    overlaps = [jaccard_score(mask.ravel(), heat.ravel() >= value) for value in np.unique(heat[mask > 0])]
    assert best_iou(heat, mask) == pytest.approx(max(overlaps), rel=1e-12)


@pytest.mark.parametrize("mask", [np.zeros((2, 4), np.uint8), np.ones((2, 3), np.uint8)])
def test_a_mask_that_does_not_belong_is_refused(mask):
    with pytest.raises(EvaluationError, match="cannot be scored"):
        named(np.ones((2, 4)), mask)


def test_the_centre_prior_is_highest_in_the_middle_and_falls_as_a_gaussian():
    prior = centre_prior(101, 201)
    assert prior[50, 100] == 1
    assert prior.argmax() == 50 * 201 + 100
    np.testing.assert_allclose(prior, prior[::-1, ::-1], rtol=1e-5)
    # 40 of 201 pixels to the right: 0.199 of the side at a deviation of 0.25.
    assert prior[50, 140] == pytest.approx(np.exp(-0.5 * (40 / 201 / 0.25) ** 2), rel=1e-5)
