"""Decision curves: what acting on a probability is worth (Vickers & Elkin, Medical Decision Making 2006).

Whoever acts from a probability t on accepts ``(1 - t) / t`` needless actions for one that was needed. The net benefit
``TP / n - FP / n * t / (1 - t)`` counts needed actions per image, less the needless ones at that exchange. Acting on
nobody has net benefit 0; acting on everybody is the other thing to beat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.bootstrap import percentile_interval
from osteolens.evaluation.metrics import Floats

Flags = NDArray[np.bool_]

THRESHOLDS = tuple(percent / 100 for percent in range(1, 100))


def net_benefit(positive: Flags, probabilities: Floats, thresholds: Floats, weights: NDArray[np.number]) -> Floats:
    """Return [B, T] net benefit of acting where the probability reaches the threshold.

    Parameters
    ----------
    positive, probabilities
        [N] truth and probability of yes.
    thresholds
        [T], each above 0 and below 1.
    weights
        [B, N] resamples; one row of ones gives the images as they are.
    """
    acted = probabilities[:, None] >= thresholds
    worth = np.where(positive[:, None], 1.0, -thresholds / (1 - thresholds))
    benefit: Floats = weights @ (acted * worth) / weights.sum(axis=1)[:, None]
    return benefit


def decision_curve(
    positive: Flags, probabilities: Floats, weights: NDArray[np.number], confidence: float
) -> dict[str, Any]:
    """Return the net benefit of the model, of acting on all and on none, at thresholds of 1 to 99%.

    The intervals hold for the share of positives in this part, which the resamples keep, as nearly as cases allow.

    Returns
    -------
    dict
        Lists ``thresholds``, ``model``, ``low``, ``high`` and ``treat_all``; ``treat_none`` is 0; ``prevalence``;
        ``reason`` is set, and the lists of net benefits are empty, where all images are of one kind.
    """
    prevalence = float(np.mean(positive))
    thresholds = np.array(THRESHOLDS)
    curve: dict[str, Any] = {"prevalence": prevalence, "thresholds": list(THRESHOLDS), "treat_none": 0.0}
    if prevalence in {0.0, 1.0}:
        kind = "positive" if prevalence else "negative"
        empty: dict[str, Any] = {name: [] for name in ("model", "low", "high", "treat_all")}
        return curve | empty | {"reason": f"all images are {kind}: there is nothing to decide"}
    once = np.ones((1, len(positive)))
    low, high = percentile_interval(net_benefit(positive, probabilities, thresholds, weights), confidence)
    return curve | {
        "model": net_benefit(positive, probabilities, thresholds, once)[0].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "treat_all": net_benefit(positive, np.ones(len(positive)), thresholds, once)[0].tolist(),
        "reason": None,
    }
