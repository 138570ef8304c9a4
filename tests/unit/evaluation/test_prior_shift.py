from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from osteolens.errors import EvaluationError
from osteolens.evaluation.prior_shift import PriorShift, estimate_prior_shift

SOURCE, TARGET = np.array([0.5, 0.3, 0.2]), np.array([0.15, 0.25, 0.6])


def shifted(images: int) -> tuple[np.ndarray, np.ndarray]:
    """Densities [N, K] of a target sample under each class, and the posteriors a perfect source model gives."""
    generator = np.random.default_rng(6)
    labels = generator.choice(3, size=images, p=TARGET)
    values = generator.normal(1.5 * labels)
    densities = norm.pdf(values[:, None], 1.5 * np.arange(3))
    joint = densities * SOURCE
    return densities, joint / joint.sum(axis=1, keepdims=True)


def test_a_known_shift_is_found_and_corrected() -> None:
    densities, posteriors = shifted(8000)
    shift = estimate_prior_shift(posteriors, SOURCE)
    assert shift.reason is None
    assert np.array(shift.target) == pytest.approx(TARGET, abs=0.025)
    truth = densities * TARGET
    truth /= truth.sum(axis=1, keepdims=True)
    exact = PriorShift(tuple(SOURCE), tuple(TARGET), 0)
    assert exact.apply(posteriors) == pytest.approx(truth)  # Bayes' rule with the target's shares
    assert np.abs(shift.apply(posteriors) - truth).max() < 0.05


def test_it_is_the_maximum_of_the_likelihood() -> None:
    posteriors = shifted(300)[1]

    def loss(free: np.ndarray) -> float:
        shares = np.exp(np.append(free, 0.0))
        shares /= shares.sum()
        return -float(np.log((posteriors * shares / SOURCE).sum(axis=1)).mean())

    free = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}).x
    expected = np.exp(np.append(free, 0.0)) / np.exp(np.append(free, 0.0)).sum()
    assert np.array(estimate_prior_shift(posteriors, SOURCE).target) == pytest.approx(expected, abs=1e-5)


def test_without_shift_nothing_changes() -> None:
    certain = np.repeat(np.eye(3), [5, 3, 2], axis=0)
    shift = estimate_prior_shift(certain, SOURCE)
    assert np.array(shift.target) == pytest.approx(SOURCE)
    assert (shift.apply(certain) == certain).all()


def test_an_image_of_an_absent_class_keeps_its_probabilities() -> None:
    shift = PriorShift((0.5, 0.5), (1.0, 0.0), 3)
    assert shift.apply(np.array([[0.0, 1.0], [0.5, 0.5]])).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_shares_still_moving_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osteolens.evaluation.prior_shift.STEPS", 2)
    shift = estimate_prior_shift(shifted(100)[1], SOURCE)
    assert (shift.steps, shift.reason) == (2, "the shares were still moving after 2 steps")


@pytest.mark.parametrize("source", [[0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.5, 0.5]])
def test_impossible_source_shares_are_refused(source: list[float]) -> None:
    with pytest.raises(EvaluationError, match="a source share above 0 for each of 3 classes"):
        estimate_prior_shift(np.full((2, 3), 1 / 3), np.array(source))
