"""Operating points: thresholds that keep a sensitivity or a specificity, and what a score does there.

An image is called positive where its score is above the threshold. A threshold lies halfway between two scores, so that
rounding on the way to another program does not change an answer.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.entries import share_entry
from osteolens.evaluation.metrics import Floats

Flags = NDArray[np.bool_]

HIGH_SENSITIVITY = 0.90
HIGH_SPECIFICITY = 0.95


def threshold_for_specificity(positive: Flags, scores: Floats, specificity: float) -> float:
    """Return the lowest threshold that keeps at least `specificity` of the negatives, NaN without negatives.

    Parameters
    ----------
    positive, scores
        [N]. Where no image scores higher, the threshold lies above all scores: nothing is called positive.
    specificity
        Above 0, at most 1.
    """
    negatives = np.sort(scores[~positive])[::-1]
    if not len(negatives):
        return math.nan
    false_alarms = math.floor((1 - specificity) * len(negatives) + 1e-9)
    if false_alarms >= len(negatives):
        return float(scores.min() - 1)
    lower = float(negatives[false_alarms])
    higher = scores[scores > lower]
    return _between(lower, float(higher.min()) if len(higher) else lower + 1)


def threshold_for_sensitivity(positive: Flags, scores: Floats, sensitivity: float) -> float:
    """Return the highest threshold that finds at least `sensitivity` of the positives, NaN without positives.

    Parameters
    ----------
    positive, scores
        [N]. Where no image scores lower, the threshold lies below all scores: everything is called positive.
    sensitivity
        Above 0, at most 1.
    """
    positives = np.sort(scores[positive])[::-1]
    if not len(positives):
        return math.nan
    upper = float(positives[math.ceil(sensitivity * len(positives) - 1e-9) - 1])
    below = scores[scores < upper]
    return _between(float(below.max()) if len(below) else upper - 1, upper)


def choose_thresholds(positive: Flags, scores: Floats) -> dict[str, dict[str, Any]]:
    """Choose the two operating points on the validation part.

    Returns
    -------
    dict
        ``high_sensitivity`` (at least 0.90) and ``high_specificity`` (at least 0.95), each with ``aim``, ``threshold``
        (None where undefined) and ``reason``.
    """
    points = {
        "high_sensitivity": ("sensitivity", HIGH_SENSITIVITY, threshold_for_sensitivity, positive),
        "high_specificity": ("specificity", HIGH_SPECIFICITY, threshold_for_specificity, ~positive),
    }
    chosen = {}
    for name, (figure, least, choose, needed) in points.items():
        threshold = choose(positive, scores, least)
        absent = "positive" if figure == "sensitivity" else "negative"
        chosen[name] = {
            "aim": {figure: least},
            "threshold": None if math.isnan(threshold) else threshold,
            "reason": None if needed.any() else f"no {absent} image in the validation part",
        }
    return chosen


def point_figures(
    positive: Flags, scores: Floats, cases: NDArray[np.str_], threshold: float, confidence: float
) -> dict[str, Any]:
    """Return sensitivity, specificity and the two predictive values at a threshold, each as a share with interval."""
    called = scores > threshold
    shares = {
        "sensitivity": (called, positive),
        "specificity": (~called, ~positive),
        "positive_predictive_value": (positive, called),
        "negative_predictive_value": (~positive, ~called),
    }
    return {name: share_entry(hits[of], cases[of], confidence) for name, (hits, of) in shares.items()}


def _between(lower: float, upper: float) -> float:
    """Return a number of which `upper` is above and `lower` is not, halfway where floating point allows it."""
    middle = lower + (upper - lower) / 2
    return middle if middle < upper else lower
