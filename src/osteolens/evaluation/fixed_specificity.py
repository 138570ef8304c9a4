"""Sensitivity for malignant images at a given specificity, for many resamples in one pass.

Accuracy and plain sensitivity depend on where a network happens to draw the line between its classes. Here the line is
drawn for each table so that the same share of the other images is spared; then the share of malignant images found is
compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import MALIGNANT
from osteolens.evaluation.estimates import Estimates, Key
from osteolens.evaluation.headline import reasons_of
from osteolens.evaluation.metrics import BLOCK_CELLS, Floats, Ranking, compute_metrics
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

SPECIFICITY = 0.9
AT_SPECIFICITY = "malignant_sensitivity_at_specificity"


def sensitivities_at_specificity(
    positive: NDArray[np.bool_], scores: Floats, weights: NDArray[np.number], specificity: float
) -> Floats:
    """Return, for every resample, the largest share of positives that a threshold finds at this specificity.

    It is the height of the ROC curve's steps at a false-positive rate of ``1 - specificity``; no line is drawn between
    two thresholds, since no threshold reaches a point between them.

    Parameters
    ----------
    positive, scores
        [N] whether the image belongs to the class, and its score.
    weights
        [B, N] how often each image is drawn in each resample.
    specificity
        Least share of the negatives that is kept, above 0, at most 1.

    Returns
    -------
    ndarray
        [B] 0 to 1; NaN where a resample has no positive or no negative image.
    """
    ranking = Ranking.of(scores, positive)
    found = np.full(len(weights), np.nan)
    step = max(1, BLOCK_CELLS // len(scores))
    for start in range(0, len(weights), step):
        rows = slice(start, start + step)
        hits, selected = ranking.counts(weights[rows].astype(np.float64))
        misses = selected - hits
        positives, negatives = hits[:, -1], misses[:, -1]
        kept = misses <= (1 - specificity) * negatives[:, None] + 1e-9
        best = np.where(kept, hits, 0.0).max(axis=1)
        np.divide(best, positives, out=found[rows], where=(positives > 0) & (negatives > 0))
    return found


def compared_metrics(table: PredictionsTable, weights: NDArray[np.number]) -> dict[str, Floats]:
    """Return :func:`osteolens.evaluation.metrics.compute_metrics` of a table and AT_SPECIFICITY, [B], besides."""
    labels, probabilities = table.labels, table.probabilities
    metrics = compute_metrics(labels, probabilities, weights)
    if MALIGNANT not in table.class_names:
        return metrics | {AT_SPECIFICITY: np.full(len(weights), np.nan)}
    k = table.class_names.index(MALIGNANT)
    found = sensitivities_at_specificity(labels == k, probabilities[:, k], weights, SPECIFICITY)
    return metrics | {AT_SPECIFICITY: found}


def compared_points(table: PredictionsTable) -> dict[str, Floats]:
    """Return the same of the images as they are: shape [] for the overall figures, [K] for those per class."""
    single = compared_metrics(table, np.ones((1, len(table))))
    return {name: value[0] for name, value in single.items()}


def malignant_at_specificity(table: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return AT_SPECIFICITY of a table as an entry, with percentile limits from resampling by case."""
    weights = resampling.weights(table.cases, table.labels)
    points, samples, reasons = compared_points(table), compared_metrics(table, weights), compared_reasons(table)
    return Estimates(points, samples, None, resampling.confidence, reasons).entry(AT_SPECIFICITY, None, ())


def compared_reasons(table: PredictionsTable) -> dict[Key, str]:
    """Return why one of these figures, or its interval, cannot be told."""
    reasons = reasons_of(table)
    missing = reasons.get(("auc", MALIGNANT))  # undefined, and of one case only, under the same conditions
    if MALIGNANT not in table.class_names:
        missing = f"no class is named {MALIGNANT}"
    return reasons | ({(AT_SPECIFICITY, None): missing} if missing else {})
