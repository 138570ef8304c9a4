from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from osteolens.evaluation.fixed_specificity import (
    AT_SPECIFICITY,
    compared_reasons,
    malignant_at_specificity,
    sensitivities_at_specificity,
)
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling


def binary(
    positive: list[int], scores: list[float], names: tuple[str, str] = ("Normal", "Malignant")
) -> PredictionsTable:
    return PredictionsTable.from_arrays(
        names,
        image_ids=[f"i{row}" for row in range(len(scores))],
        labels=np.array(names)[positive],
        probabilities=np.column_stack([1 - np.array(scores), scores]),
    )


def of_roc_curve(positive: np.ndarray, scores: np.ndarray, specificity: float) -> float:
    """The highest step of scikit-learn's curve at a false-positive rate of 1 - specificity."""
    if positive.all() or not positive.any():
        return float("nan")
    false_rate, found, _ = roc_curve(positive, scores, drop_intermediate=False)
    return float(found[false_rate <= 1 - specificity + 1e-9].max())


def test_by_hand() -> None:
    # ten negatives 0.0 to 0.9: one of them may be called positive, so the threshold lies between 0.8 and 0.9
    scores = np.array([*np.arange(10) / 10, 0.95, 0.85, 0.79, 0.2])
    positive = np.arange(14) >= 10
    once = np.ones((1, 14))
    assert sensitivities_at_specificity(positive, scores, once, 0.9).tolist() == [0.5]
    # the negative at 0.9 left out: the one at 0.8 is the only false alarm of nine, 0.11 of them
    without = once.copy()
    without[0, 9] = 0
    assert sensitivities_at_specificity(positive, scores, without, 0.9).tolist() == [0.5]
    assert sensitivities_at_specificity(positive, scores, without, 0.85).tolist() == [0.75]
    assert np.isnan(sensitivities_at_specificity(positive, scores, np.where(positive, 0, once), 0.9)).all()
    assert np.isnan(sensitivities_at_specificity(positive, scores, np.where(positive, once, 0), 0.9)).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.sampled_from([0.8, 0.9, 0.95, 1.0]))
def test_every_resample_is_the_step_of_the_roc_curve_of_repeated_rows(
    seed: int, images: int, specificity: float
) -> None:
    generator = np.random.default_rng(seed)
    positive, scores = generator.random(images) < 0.5, generator.integers(0, 8, images) / 8
    weights = generator.integers(0, 3, (6, images))
    found = sensitivities_at_specificity(positive, scores, weights, specificity)
    for counts, value in zip(weights, found, strict=True):
        rows = np.repeat(np.arange(images), counts)
        expected = of_roc_curve(positive[rows], scores[rows], specificity)
        assert value == pytest.approx(expected, nan_ok=True)


def test_the_entry_has_the_value_of_the_table_and_an_interval() -> None:
    generator = np.random.default_rng(5)
    positive = np.arange(80) % 2
    scores = np.clip(generator.normal(0.4 + 0.2 * positive, 0.2), 0, 1)
    entry = malignant_at_specificity(binary(positive.tolist(), scores.tolist()), Resampling(300))
    assert entry["value"] == pytest.approx(of_roc_curve(positive == 1, scores, 0.9))
    assert entry["low"] < entry["value"] < entry["high"]
    assert entry["reason"] is None


def test_what_is_undefined_says_why() -> None:
    key = (AT_SPECIFICITY, None)
    other = binary([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], ("no", "yes"))
    assert malignant_at_specificity(other, Resampling(100))["value"] is None
    assert compared_reasons(other)[key] == "no class is named Malignant"
    absent = binary([0, 0, 0], [0.1, 0.2, 0.3])
    assert malignant_at_specificity(absent, Resampling(100))["reason"] == "no Malignant image in this part"
    alone = binary([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.9])
    assert compared_reasons(alone)[key] == "all Malignant images are of one case: no interval"
    assert key not in compared_reasons(binary([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9]))
