from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binomtest

from osteolens.errors import EvaluationError
from osteolens.evaluation.conformal import ConformalSets, calibrate_sets, one_image_per_case, set_figures

NAMES = ("Normal", "Benign")


def calibrated(
    labels: np.ndarray, scores: np.ndarray, cases: np.ndarray | None = None, level: float = 0.9, seed: int = 0
) -> ConformalSets:
    """Sets from the true class's probability of each image of two classes."""
    probabilities = np.empty((len(labels), 2))
    rows = np.arange(len(labels))
    probabilities[rows, labels], probabilities[rows, 1 - labels] = scores, 1 - scores
    cases = rows.astype(str) if cases is None else cases
    generator = np.random.default_rng(seed)
    return calibrate_sets(labels, probabilities, cases, class_names=NAMES, level=level, generator=generator)


def test_cutoffs_worked_out_by_hand() -> None:
    # 19 cases: rank ceil(20 * 0.9) = 18 from above is the second lowest; 9 cases: rank 9 is the lowest.
    labels = np.repeat([0, 1], [19, 9])
    scores = np.concatenate([np.arange(1, 20) / 20, np.arange(1, 10) / 10])
    sets = calibrated(labels, scores)
    assert sets.cutoffs == (2 / 20, 1 / 10)
    assert sets.cases == (19, 9)
    assert sets.reasons == (None, None)
    assert sets.apply(np.array([[0.1, 0.9], [0.95, 0.05]])).tolist() == [[True, True], [True, False]]


def test_too_few_cases_keep_the_class_in_every_set() -> None:
    sets = calibrated(np.repeat([0, 1], [19, 8]), np.full(27, 0.8))
    assert sets.cutoffs == (0.8, 0.0)
    assert sets.reasons == (None, "8 calibration cases of Benign, 9 are needed: it is in every set")
    assert sets.apply(np.array([[1.0, 0.0]])).tolist() == [[True, True]]
    absent = calibrated(np.zeros(19, dtype=int), np.full(19, 0.8))
    assert absent.reasons[1] == "0 calibration cases of Benign, 9 are needed: it is in every set"


def test_sets_are_those_of_the_quantile_recipe() -> None:
    """The usual form (Angelopoulos & Bates 2023): scores 1 - p, the empirical quantile, all classes below it."""
    generator = np.random.default_rng(1)
    labels = np.arange(200) % 3
    probabilities, fresh = (generator.dirichlet(np.ones(3), size) for size in (200, 100))
    for level in (0.8, 0.9, 0.95):
        sets = calibrate_sets(
            labels,
            probabilities,
            np.arange(200).astype(str),
            class_names=("A", "B", "C"),
            level=level,
            generator=np.random.default_rng(0),
        ).apply(fresh)
        for k in range(3):
            scores = 1 - probabilities[labels == k, k]
            share = math.ceil((len(scores) + 1) * level) / len(scores)
            expected = 1 - fresh[:, k] <= np.quantile(scores, share - 1e-9, method="inverted_cdf")
            assert (sets[:, k] == expected).all()


def test_one_image_of_each_case_is_drawn_evenly_whatever_the_order() -> None:
    cases = np.array(["b", "a", "b", "c", "b"])
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    drawn = [one_image_per_case(cases, scores, np.random.default_rng(seed)) for seed in range(600)]
    assert all(cases[chosen].tolist() == ["a", "b", "c"] for chosen in drawn)
    of_b = np.array([chosen[1] for chosen in drawn])
    assert np.bincount(of_b)[[0, 2, 4]] == pytest.approx([200, 200, 200], abs=46)  # four standard deviations
    turned = one_image_per_case(cases[::-1], scores[::-1], np.random.default_rng(7))
    assert (scores[::-1][turned] == scores[one_image_per_case(cases, scores, np.random.default_rng(7))]).all()


def test_a_case_of_two_classes_counts_in_both() -> None:
    labels = np.array([0, 0, 1])
    assert calibrated(labels, np.full(3, 0.6), np.array(["x", "x", "x"]), level=0.5).cases == (1, 1)


def test_coverage_simulated_with_images_that_depend_on_their_case() -> None:
    # The probability of the true class is uniform, so a cutoff q covers 1 - q of new images. Of 30 cases the 28th is
    # taken: the mean coverage is 28 / 31. The mean over 1,500 draws of a Beta(28, 3) has a deviation of 0.0014.
    generator = np.random.default_rng(2)
    cases = np.repeat(np.arange(30).astype(str), 3)
    covered = []
    for seed in range(1500):
        shared, own = np.repeat(generator.normal(size=30), 3), generator.normal(size=90)
        scores = ndtr(0.9 * shared + math.sqrt(1 - 0.9**2) * own)
        covered.append(1 - calibrated(np.zeros(90, dtype=int), scores, cases, seed=seed).cutoffs[0])
    assert np.mean(covered) == pytest.approx(28 / 31, abs=0.006)


def test_figures_worked_out_by_hand() -> None:
    sets = np.array([[True, False], [True, True], [False, True], [False, False], [False, True]])
    labels = np.array([0, 0, 0, 1, 1])
    cases = np.array(["a", "a", "b", "c", "d"])
    found = set_figures(sets, labels, cases, class_names=(*NAMES, "Malignant")[:2], confidence=0.95)
    assert found["coverage"]["value"] == pytest.approx(3 / 5)
    normal, benign = found["per_class"]["Normal"], found["per_class"]["Benign"]
    assert normal["coverage"]["value"] == pytest.approx(2 / 3)
    by_case = normal["coverage_of_cases"]
    assert by_case["value"] == pytest.approx(1 / 2)  # all of case a, none of case b
    reference = binomtest(1, 2).proportion_ci(0.95, method="wilson")
    assert (by_case["low"], by_case["high"]) == (pytest.approx(reference.low), pytest.approx(reference.high))
    assert (normal["mean_size"], benign["mean_size"]) == (pytest.approx(4 / 3), 0.5)
    assert found["mean_size"] == 1.0
    assert found["sizes"] == {"0": 0.2, "1": 0.6, "2": 0.2}
    none = set_figures(sets[:3], labels[:3], cases[:3], class_names=NAMES, confidence=0.95)["per_class"]["Benign"]
    assert none["mean_size"] is None
    assert none["coverage_of_cases"] == {"value": None, "low": None, "high": None, "reason": "no image"}


def test_record_survives_json() -> None:
    sets = calibrated(np.repeat([0, 1], [19, 3]), np.linspace(0.1, 0.9, 22))
    assert ConformalSets.from_json(json.loads(json.dumps(sets.to_json()))) == sets


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_outside_0_to_1_is_refused(level: float) -> None:
    with pytest.raises(EvaluationError, match="must lie between 0 and 1"):
        calibrated(np.array([0, 1]), np.array([0.5, 0.5]), level=level)
