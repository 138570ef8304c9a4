from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from osteolens.evaluation.operating import (
    choose_thresholds,
    point_figures,
    threshold_for_sensitivity,
    threshold_for_specificity,
)


@pytest.mark.parametrize("digits", [2, 12])
@pytest.mark.parametrize("least", [0.5, 0.9, 0.95, 1.0])
def test_no_threshold_of_the_roc_curve_does_better(least: float, digits: int) -> None:
    generator = np.random.default_rng(4)
    positive = generator.random(150) < 0.3
    scores = np.round(generator.random(150) + 0.3 * positive, digits)
    false_rate, found, _ = roc_curve(positive, scores, drop_intermediate=False)
    called = scores > threshold_for_sensitivity(positive, scores, least)
    assert called[positive].mean() >= least
    assert called[~positive].mean() == pytest.approx(false_rate[found >= least - 1e-9].min())
    called = scores > threshold_for_specificity(positive, scores, least)
    assert (~called)[~positive].mean() >= least
    assert called[positive].mean() == pytest.approx(found[false_rate <= 1 - least + 1e-9].max())


def test_thresholds_lie_between_two_scores() -> None:
    positive = np.array([False, False, True, True])
    scores = np.array([0.1, 0.4, 0.3, 0.8])
    assert threshold_for_sensitivity(positive, scores, 1.0) == pytest.approx(0.2)
    assert threshold_for_specificity(positive, scores, 1.0) == pytest.approx(0.6)


def test_neighbours_among_floating_point_numbers_are_told_apart() -> None:
    for lower in (0.1, 0.3, 1 / 3, 0.7):
        scores = np.array([lower, np.nextafter(lower, 1)])
        for positive in (np.array([False, True]),):
            assert (scores > threshold_for_sensitivity(positive, scores, 1.0)).tolist() == [False, True]
            assert (scores > threshold_for_specificity(positive, scores, 1.0)).tolist() == [False, True]


def test_thresholds_beyond_all_scores() -> None:
    positive, scores = np.array([True, False]), np.array([0.0, 0.5])
    assert threshold_for_sensitivity(positive, scores, 0.9) < 0  # everything must be called positive
    assert threshold_for_specificity(positive, scores, 1.0) > 0.5  # nothing may be
    assert threshold_for_specificity(positive, scores, 0.5) > 0.5
    assert threshold_for_specificity(np.array([True] * 2 + [False] * 2), np.arange(4.0), 1e-12) < 0


def test_points_are_chosen_and_applied() -> None:
    positive = np.repeat([False, True], [20, 10])
    scores = np.concatenate([np.arange(20) / 20, np.arange(10) / 10 + 0.02])
    points = choose_thresholds(positive, scores)
    # nine of ten positives are 0.12 and above, next below is the negative 0.10; one of 20 negatives may pass
    assert points["high_sensitivity"] == {
        "aim": {"sensitivity": 0.9},
        "threshold": pytest.approx(0.11),
        "reason": None,
    }
    assert points["high_specificity"]["threshold"] == pytest.approx((0.90 + 0.92) / 2)
    cases = np.arange(30).astype(str)
    found = point_figures(positive, scores, cases, points["high_specificity"]["threshold"], 0.95)
    values = {name: share["value"] for name, share in found.items()}
    assert values == pytest.approx(
        {
            "sensitivity": 1 / 10,
            "specificity": 19 / 20,
            "positive_predictive_value": 1 / 2,
            "negative_predictive_value": 19 / 28,
        }
    )
    assert {name: share["n"] for name, share in found.items()} == {
        "sensitivity": 10,
        "specificity": 20,
        "positive_predictive_value": 2,
        "negative_predictive_value": 28,
    }


def test_a_point_without_images_to_choose_on_says_so() -> None:
    points = choose_thresholds(np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3]))
    assert points["high_sensitivity"]["threshold"] is None
    assert points["high_sensitivity"]["reason"] == "no positive image in the validation part"
    assert points["high_specificity"]["reason"] is None
    points = choose_thresholds(np.ones(3, dtype=bool), np.array([0.1, 0.2, 0.3]))
    assert points["high_specificity"]["reason"] == "no negative image in the validation part"
