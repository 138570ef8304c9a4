"""Selective classification: how the error falls when the least certain answers are withheld.

Coverage c is the share of images answered, the surest first. With the errors among them, e of N images:

- selective risk: e / (c N), the error rate of the answers given;
- AURC (Geifman & El-Yaniv 2017): the mean selective risk over all coverages, in steps;
- generalised risk: e / N, the share of images answered wrongly;
- AUGRC (Traub et al., Overcoming Common Flaws in the Evaluation of Selective Classification Systems, NeurIPS 2024): the
  area under generalised risk against coverage, in trapezoids. With the error rate r and the AUROC a of certainty for
  right answers it is ``(1 - a) r (1 - r) + r^2 / 2``; chance gives r / 2, the best order r^2 / 2.

Images of equal certainty are answered together or not at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.entries import resampled_entry
from osteolens.evaluation.metrics import Floats, Ranking

Flags = NDArray[np.bool_]

STEPS = 100  # coverages for which the curve is written down


def risk_coverage(certainty: Floats, correct: Flags, weights: NDArray[np.number]) -> tuple[Floats, Floats]:
    """Return coverage and generalised risk of every resample.

    Parameters
    ----------
    certainty, correct
        [N] score, higher is surer, and whether the answer is right.
    weights
        [B, N] how often each image is in each resample; one row of ones gives the images as they are.

    Returns
    -------
    tuple
        Two [B, G] arrays, one column per different certainty from the highest to the lowest.
    """
    counts = weights.astype(np.float64)
    right, answered = Ranking.of(certainty, correct).counts(counts)
    total = answered[:, -1:]
    return answered / total, (answered - right) / total


def areas(coverage: Floats, generalised: Floats) -> tuple[Floats, Floats]:
    """Return [B] AURC and [B] AUGRC of the curves of :func:`risk_coverage`."""
    gained = np.diff(coverage, axis=1, prepend=0.0)
    risk = np.divide(generalised, coverage, out=np.zeros_like(coverage), where=coverage > 0)
    before = np.concatenate([np.zeros((len(coverage), 1)), generalised[:, :-1]], axis=1)
    return np.sum(gained * risk, axis=1), np.sum(gained * (generalised + before) / 2, axis=1)


def selective_figures(
    certainty: Floats, correct: Flags, weights: NDArray[np.number], confidence: float
) -> dict[str, Any]:
    """Return AURC and AUGRC with intervals and the curve.

    Returns
    -------
    dict
        ``aurc`` and ``augrc`` as entries with the value of ``chance``; ``curve``: lists ``coverage``, ``risk`` and
        ``generalised_risk``, at the first certainty that reaches each percent of coverage.
    """
    coverage, generalised = risk_coverage(certainty, correct, np.ones((1, len(correct))))
    points = [float(area[0]) for area in areas(coverage, generalised)]
    samples = areas(*risk_coverage(certainty, correct, weights))
    wrong = float(1 - np.mean(correct))
    reached = np.searchsorted(coverage[0], np.arange(1, STEPS + 1) / STEPS - 1e-9)
    kept = np.unique(reached)
    return {
        "aurc": resampled_entry(points[0], samples[0], confidence) | {"chance": wrong},
        "augrc": resampled_entry(points[1], samples[1], confidence) | {"chance": wrong / 2},
        "curve": {
            "coverage": coverage[0, kept].tolist(),
            "risk": (generalised[0, kept] / coverage[0, kept]).tolist(),
            "generalised_risk": generalised[0, kept].tolist(),
        },
    }
