from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from osteolens.evaluation.operating import sensitivity_at_specificity


def test_one_false_alarm_in_ten_is_allowed() -> None:
    negatives = np.arange(10) / 10  # the highest, 0.9, may be called positive; 0.8 may not
    positives = np.array([0.95, 0.85, 0.8, 0.1])
    scores = np.concatenate([negatives, positives])
    positive = np.arange(14) >= 10
    assert sensitivity_at_specificity(positive, scores, 0.9) == 0.5
    assert sensitivity_at_specificity(positive, scores, 1.0) == 0.25


@pytest.mark.parametrize("specificity", [0.5, 0.8, 0.9, 0.95])
def test_it_is_the_step_of_the_roc_curve(specificity: float) -> None:
    generator = np.random.default_rng(3)
    positive = generator.random(200) < 0.3
    scores = np.round(generator.random(200) + 0.3 * positive, 2)  # with ties
    false_rate, found, _ = roc_curve(positive, scores, drop_intermediate=False)
    expected = found[false_rate <= 1 - specificity + 1e-9].max()
    assert sensitivity_at_specificity(positive, scores, specificity) == pytest.approx(expected)


def test_without_positives_or_negatives_there_is_none() -> None:
    assert math.isnan(sensitivity_at_specificity(np.zeros(3, bool), np.ones(3)))
    assert math.isnan(sensitivity_at_specificity(np.ones(3, bool), np.ones(3)))
