from __future__ import annotations

import math

import numpy as np
import pytest

from osteolens.evaluation.class_means import class_correlations, mean_interval

VALUES, LOWS, HIGHS = np.array([0.9, 0.6]), np.array([0.6, 0.2]), np.array([0.95, 0.72])


@pytest.mark.parametrize(
    ("correlation", "below", "above"),
    [
        (0.0, 0.5, 0.13),  # sqrt(0.3^2 + 0.4^2) and sqrt(0.05^2 + 0.12^2)
        (1.0, 0.7, 0.17),  # the sums
        (-1.0, 0.1, 0.07),  # the differences
        (0.5, math.sqrt(0.25 + 0.12), math.sqrt(0.0169 + 0.006)),
    ],
)
def test_two_classes_by_hand(correlation: float, below: float, above: float) -> None:
    low, high = mean_interval(VALUES, LOWS, HIGHS, np.array([[1, correlation], [correlation, 1]]))
    assert (low, high) == (pytest.approx(0.75 - below / 2), pytest.approx(0.75 + above / 2))


def test_equal_and_opposite_limits_leave_no_negative_root() -> None:
    low, high = mean_interval(np.full(2, 0.5), np.full(2, 0.4), np.full(2, 0.6), np.array([[1.0, -1], [-1, 1]]))
    assert (low, high) == (0.5, 0.5)


@pytest.mark.parametrize("unknown", [0.0, 1.0])
def test_correlations_are_numpys_where_both_vary_and_the_given_one_elsewhere(unknown: float) -> None:
    samples = np.random.default_rng(1).normal(size=(50, 3))
    samples[:, 1] += samples[:, 0]
    samples[:, 2] = 0.25
    samples[7, 0] = np.nan
    found = class_correlations(samples, unknown)
    expected = np.corrcoef(np.delete(samples, 7, axis=0)[:, :2].T)
    np.testing.assert_allclose(found[:2, :2], expected)
    assert found[2].tolist() == found[:, 2].tolist() == [unknown, unknown, 1.0]


@pytest.mark.parametrize("whole", [0, 1, 2, 29])
def test_few_resamples_with_all_classes_tell_nothing_of_their_correlation(whole: int) -> None:
    samples = np.repeat(np.random.default_rng(1).normal(size=(40, 1)), 2, axis=1)
    samples[whole:, 1] = np.nan
    assert class_correlations(samples, 0.0).tolist() == [[1, 0], [0, 1]]
