"""Operating points: what a score finds at a fixed rate of false alarms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def sensitivity_at_specificity(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], specificity: float = 0.9
) -> float:
    """Return the largest share of positives found by a threshold that keeps at least `specificity` of the negatives.

    It is the height of the ROC curve's steps at a false-positive rate of ``1 - specificity``; no line is drawn between
    two thresholds, since no threshold reaches a point between them.

    Parameters
    ----------
    positive, scores
        [N]; an image is called positive where its score is above the threshold.
    specificity
        Above 0, at most 1.

    Returns
    -------
    float
        0 to 1; NaN where there is no positive or no negative image.
    """
    negatives = np.sort(scores[~positive])[::-1]
    if not positive.any() or len(negatives) == 0:
        return math.nan
    false_alarms = math.floor((1 - specificity) * len(negatives) + 1e-9)
    if false_alarms >= len(negatives):
        return 1.0
    return float(np.mean(scores[positive] > negatives[false_alarms]))
