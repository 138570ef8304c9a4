from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss

from osteolens.evaluation.bootstrap import bootstrap_weights
from osteolens.evaluation.reliability import (
    brier_scores,
    calibration_error,
    equal_mass_bins,
    error_by_chance,
    negative_log_likelihood,
    reliability,
    reliability_bins,
)

NAMES = ("Normal", "Benign", "Malignant")


def figures(labels: np.ndarray, probabilities: np.ndarray, cases: np.ndarray) -> dict:
    weights = bootstrap_weights(cases, labels, 200, np.random.default_rng(1))
    generator = np.random.default_rng(2)
    return reliability(labels, probabilities, cases, weights, class_names=NAMES, confidence=0.95, generator=generator)


def test_brier_and_nll() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])
    labels = np.array([0, 2, 1])
    # the squares of 0.3, 0.2 and 0.1; of 0.7, 0.2 and 0.9; of 0.5 and 0.5
    assert brier_scores(labels, probabilities) == pytest.approx([0.14, 1.34, 0.5])
    assert negative_log_likelihood(labels, probabilities).mean() == pytest.approx(log_loss(labels, probabilities))


def test_calibration_error_worked_out_by_hand() -> None:
    scores, hits = np.array([0.8, 0.55, 1.0, 0.65]), np.array([True, True, True, False])
    # lower half: mean score 0.6, share 0.5; upper half: mean score 0.9, share 1
    assert calibration_error(scores, hits, bins=2) == pytest.approx(0.1)
    # one bin: mean score 0.75, share 0.75
    assert calibration_error(scores, hits, bins=1) == pytest.approx(0.0)
    both = calibration_error(scores, np.stack([hits, ~hits]), bins=2)
    assert both == pytest.approx([0.1, (abs(0.6 - 0.5) + abs(0.9 - 0.0)) / 2])


def test_bins_are_of_equal_mass_and_never_part_equal_scores() -> None:
    scores = np.random.default_rng(3).permutation(100) / 100
    assert (equal_mass_bins(scores, 7) == (scores * 100).round().astype(int) * 7 // 100).all()
    assert np.bincount(equal_mass_bins(scores, 7)).tolist() == [15, 14, 14, 15, 14, 14, 14]
    tied = np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.9])
    assert equal_mass_bins(tied, 3).tolist() == [0, 0, 0, 0, 0, 2]
    assert equal_mass_bins(np.full(5, 0.3), 10).tolist() == [0] * 5


def test_error_by_chance_of_one_bin_is_the_binomials_mean_deviation() -> None:
    # |share - 1/2| of 400 fair coins has mean sqrt(2 / pi) * 1/2 / 20.
    found = error_by_chance(np.full(400, 0.5), np.random.default_rng(4), bins=1)
    assert found == pytest.approx(math.sqrt(2 / math.pi) / 40, rel=0.2)


def test_a_calibrated_model_shows_the_error_by_chance_and_an_overconfident_one_more() -> None:
    generator = np.random.default_rng(5)
    probabilities = generator.dirichlet(np.ones(3), 1500)
    labels = np.minimum((generator.random((1500, 1)) > probabilities.cumsum(axis=1)).sum(axis=1), 2)
    cases = np.arange(1500).astype(str)
    honest = figures(labels, probabilities, cases)
    assert honest["ece"]["value"] == pytest.approx(honest["ece"]["by_chance"], abs=0.015)
    sharp = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    assert figures(labels, sharp, cases)["ece"]["value"] > 4 * honest["ece"]["by_chance"]


def test_record_of_a_part() -> None:
    generator = np.random.default_rng(6)
    labels = np.arange(90) % 3
    probabilities = generator.dirichlet(np.ones(3), 90)
    cases = np.array([f"case{index // 2}" for index in range(90)])
    found = figures(labels, probabilities, cases)
    for name, value in (("nll", log_loss(labels, probabilities)), ("brier", None)):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
        assert value is None or found[name]["value"] == pytest.approx(value)
    errors = [found["per_class"][name]["ece"] for name in NAMES]
    assert found["classwise_ece"]["value"] == pytest.approx(sum(errors) / 3)
    assert found["ece"]["low"] is None
    assert "no interval" in found["ece"]["reason"]
    for diagram in (found["predicted"], *found["per_class"].values()):
        points = diagram["bins"]
        assert [point["n"] for point in points] == [9] * 10
        gap = sum(abs(point["mean_score"] - point["value"]) * point["n"] for point in points) / 90
        assert diagram["ece"] == pytest.approx(gap)


def test_bins_hold_shares_with_intervals_that_have_a_width_at_zero_too() -> None:
    scores, hits = np.array([0.1, 0.2, 0.7, 0.8]), np.array([False, False, True, True])
    low, high = reliability_bins(scores, hits, np.array(["a", "b", "c", "c"]), 0.95, bins=2)
    assert (low["mean_score"], low["value"], low["low"], low["cases"]) == (pytest.approx(0.15), 0.0, 0.0, 2)
    assert low["high"] == pytest.approx(1.959963985**2 / (2 + 1.959963985**2))  # Wilson at share 0, n = 2
    assert (high["n"], high["cases"]) == (2, 1)


def test_probability_zero_for_the_truth_is_told() -> None:
    labels = np.arange(30) % 3
    probabilities = np.full((30, 3), 1 / 3)
    probabilities[0] = [0.0, 0.5, 0.5]
    found = figures(labels, probabilities, np.arange(30).astype(str))
    assert found["nll"]["reason"] == "1 images had probability 0 for their class, counted as 2.2e-16"
    assert math.isfinite(found["nll"]["value"])
