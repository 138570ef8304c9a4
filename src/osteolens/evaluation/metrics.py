"""The metric set, computed for many resamples in one vectorised pass; the point value is the pass over one resample.

A resample is a vector of counts, one per image. Scores are sorted once per class; for each resample the counts are
summed in that order, which gives the ROC and precision-recall curves, with ties joined, for all resamples together.
The confusion matrices of all resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CLASS_METRICS = ("auc", "average_precision", "sensitivity", "specificity", "precision", "f1")
MACRO_METRICS = {  # each is the unweighted mean over the classes of the metric beside it
    "balanced_accuracy": "sensitivity",
    "macro_auc": "auc",
    "macro_f1": "f1",
    "macro_average_precision": "average_precision",
    "macro_precision": "precision",
    "macro_specificity": "specificity",
}
OVERALL_METRICS = ("accuracy", *MACRO_METRICS, "weighted_f1", "cohen_kappa", "mcc")

BLOCK_CELLS = 1 << 16  # resamples x images worked on at once: stays in the processor's cache, bounds the memory


@dataclass(frozen=True, slots=True)
class Ranking:
    """Images in falling order of one class's score.

    Attributes
    ----------
    order
        [N] image indices.
    positive
        [N] 1.0 where the image in that place belongs to the class, else 0.0.
    ends
        [G] place of the last image of each group of equal scores.
    """

    order: NDArray[np.intp]
    positive: Floats
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_]) -> Ranking:
        """Sort `scores` ([N]); `positive` ([N]) says which images belong to the class."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        return cls(order, positive[order].astype(np.float64), ends)

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return [B, G] true positives and [B, G] selected images at each threshold, for `weights` [B, N]."""
        ranked = np.take(weights, self.order, axis=1)
        selected = np.cumsum(ranked, axis=1)
        np.multiply(ranked, self.positive, out=ranked)
        hits = np.cumsum(ranked, axis=1, out=ranked)
        if len(self.ends) == len(self.order):  # no ties
            return hits, selected
        return hits[:, self.ends], selected[:, self.ends]

    def areas(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return [B] area under the ROC curve (trapezoids) and [B] average precision (steps); NaN if undefined."""
        hits, selected = self.counts(weights)
        positives, negatives = hits[:, -1], selected[:, -1] - hits[:, -1]
        gained = np.diff(hits, axis=1, prepend=0.0)
        # Mann-Whitney: a positive scores the negatives below it, and half of those level with it.
        misses = selected - hits
        above = misses - 0.5 * np.diff(misses, axis=1, prepend=0.0)
        outranked = np.einsum("bg,bg->b", gained, above)
        auc = _ratio(positives * negatives - outranked, positives * negatives)
        precision = hits / np.maximum(selected, np.finfo(np.float64).tiny)  # nothing selected: nothing gained either
        return auc, _ratio(np.einsum("bg,bg->b", gained, precision), positives)


def compute_metrics(labels: Integers, probabilities: Floats, weights: NDArray[np.number]) -> dict[str, Floats]:
    """Return every metric for every resample.

    Parameters
    ----------
    labels
        [N] index of the true class.
    probabilities
        [N, K]; the predicted class is the first of the highest.
    weights
        [B, N] how often each image is drawn in each resample; one row of ones gives the point values.

    Returns
    -------
    dict
        ``OVERALL_METRICS`` with shape [B] and ``CLASS_METRICS`` with shape [B, K]. NaN where undefined, see
        :func:`undefined_reasons`. A macro figure is NaN as soon as the figure of one class is: a mean over the
        classes that happen to be there would not compare with another part's.

    Notes
    -----
    AUC is the Mann-Whitney statistic (Hanley & McNeil 1982), one class against the rest; average precision is the
    step sum of the precision-recall curve; kappa is Cohen's (1960), unweighted, since the classes of a table need not
    have an order; MCC is Gorodkin's R_K (2004); the weighted F1 is the mean over the images' classes.
    """
    resamples, images = weights.shape
    classes = probabilities.shape[1]
    rankings = [Ranking.of(probabilities[:, k], labels == k) for k in range(classes)]
    cells = np.zeros((images, classes * classes))
    cells[np.arange(images), labels * classes + probabilities.argmax(axis=1)] = 1.0
    metrics = {name: np.empty(resamples) for name in OVERALL_METRICS}
    metrics |= {name: np.empty((resamples, classes)) for name in CLASS_METRICS}
    step = max(1, BLOCK_CELLS // images)
    for start in range(0, resamples, step):
        rows = slice(start, start + step)
        block = weights[rows].astype(np.float64)
        areas = np.array([ranking.areas(block) for ranking in rankings])  # [K, 2, B]
        values = {"auc": areas[:, 0].T, "average_precision": areas[:, 1].T}
        values |= _confusion_metrics((block @ cells).reshape(-1, classes, classes))
        values |= {name: values[of].mean(axis=1) for name, of in MACRO_METRICS.items()}
        for name, value in values.items():
            metrics[name][rows] = value
    return metrics


def point_metrics(labels: Integers, probabilities: Floats) -> dict[str, Floats]:
    """Return the metrics of the images as they are: shape [] for the overall ones, [K] for those per class."""
    single = compute_metrics(labels, probabilities, np.ones((1, len(labels))))
    return {name: value[0] for name, value in single.items()}


def confusion_matrix(labels: Integers, predicted: Integers, classes: int) -> Integers:
    """Return [K, K] counts; rows are the truth, columns the prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def sample_sizes(labels: Integers, predicted: Integers, classes: int) -> dict[str, Integers]:
    """Return how many images each figure of a class rests on.

    Returns
    -------
    dict
        ``CLASS_METRICS`` with shape [K]: the images of the class for sensitivity, AUC and average precision (which
        rank them among all others), the other images for specificity, the images called so for precision, the images
        that are or are called so for F1. An overall figure rests on all images.
    """
    matrix = confusion_matrix(labels, predicted, classes)
    truth, chosen = matrix.sum(axis=1), matrix.sum(axis=0)
    return {
        "auc": truth,
        "average_precision": truth,
        "sensitivity": truth,
        "specificity": len(labels) - truth,
        "precision": chosen,
        "f1": truth + chosen - matrix.diagonal(),
    }


def undefined_reasons(
    labels: Integers, predicted: Integers, class_names: Sequence[str]
) -> dict[tuple[str, str | None], str]:
    """Say why a metric is NaN on these images.

    Returns
    -------
    dict
        (metric, class name) to a reason for the per-class metrics, (metric, None) for the overall ones; a metric
        that is defined has no entry.
    """
    classes = len(class_names)
    matrix = confusion_matrix(labels, predicted, classes)
    truth, chosen = matrix.sum(axis=1), matrix.sum(axis=0)
    reasons: dict[tuple[str, str | None], str] = {}
    for k, name in enumerate(class_names):
        if truth[k] == 0:
            # F1 would be 0 whatever the model does: it says nothing, so it counts as undefined.
            absent = f"no {name} image in this part"
            reasons |= {(metric, name): absent for metric in ("auc", "average_precision", "sensitivity", "f1")}
        if truth[k] == len(labels):
            reasons |= {(metric, name): f"only {name} images in this part" for metric in ("auc", "specificity")}
        if chosen[k] == 0:
            reasons["precision", name] = f"{name} is never predicted in this part"
    for macro, metric in MACRO_METRICS.items():
        if parts := dict.fromkeys(reasons[metric, name] for name in class_names if (metric, name) in reasons):
            reasons[macro, None] = "; ".join(parts)
    if np.count_nonzero(truth) == 1:
        reasons["mcc", None] = "all images in this part are of one class"
    elif np.count_nonzero(chosen) == 1:
        reasons["mcc", None] = "one and the same class is predicted for all images in this part"
    if matrix.diagonal().max() == len(labels):
        reasons["cohen_kappa", None] = "all images and all predictions in this part are of one class"
    return reasons


def _confusion_metrics(matrices: Floats) -> dict[str, Floats]:
    """Return the metrics that follow from [B, K, K] confusion matrices (rows: truth)."""
    truth, chosen = matrices.sum(axis=2), matrices.sum(axis=1)
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    total = truth.sum(axis=1, keepdims=True)
    images, correct = total[:, 0], hits.sum(axis=1)
    by_chance = (truth * chosen).sum(axis=1)
    agreement = images * correct - by_chance
    f1 = _ratio(2 * hits, np.where(truth > 0, truth + chosen, 0))
    spread = (images**2 - (truth**2).sum(axis=1)) * (images**2 - (chosen**2).sum(axis=1))
    return {
        "sensitivity": _ratio(hits, truth),
        "specificity": _ratio(total - truth - chosen + hits, total - truth),
        "precision": _ratio(hits, chosen),
        "f1": f1,
        "accuracy": _ratio(correct, images),
        "weighted_f1": _ratio(np.where(truth > 0, truth * f1, 0).sum(axis=1), images),
        "cohen_kappa": _ratio(agreement, images**2 - by_chance),
        "mcc": _ratio(agreement, np.sqrt(spread)),
    }


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, NaN where the denominator is 0."""
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient
