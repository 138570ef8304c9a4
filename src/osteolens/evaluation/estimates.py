"""Every metric of a table with its interval, the number of images it rests on, and a reason where it is undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.bca import NO_SPREAD, acceleration, bca_interval, jackknife_metrics
from osteolens.evaluation.bootstrap import bootstrap_weights, case_strata, percentile_interval
from osteolens.evaluation.entries import entry as json_entry
from osteolens.evaluation.entries import share_entry
from osteolens.evaluation.metrics import (
    CLASS_METRICS,
    MACRO_METRICS,
    OVERALL_METRICS,
    Floats,
    Integers,
    compute_metrics,
    point_metrics,
    sample_sizes,
    undefined_reasons,
)
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.randomness import named_generator

IntervalMethod = Literal["percentile", "bca"]
Key = tuple[str, str | None]  # metric, and class where it is one of a class
Place = tuple[int, ...]  # of a class in the figures of a metric; () for an overall metric

NO_WIDTH = "the resamples do not differ: no interval"
WILSON = "the resamples do not differ: Wilson's interval on the number of cases"


@dataclass(frozen=True, slots=True)
class Estimates:
    """Values and resampled values of every metric; the limits follow.

    Attributes
    ----------
    values, samples
        Metric to [] or [K], and to [B] or [B, K].
    accelerations
        Metric to [] or [K], see :func:`acceleration`; None for percentile limits.
    confidence
        Level of the intervals, 0 to 1.
    reasons
        Why a value is undefined or an interval cannot be had; see :func:`undefined_reasons` and
        :func:`single_case_reasons`.
    """

    values: dict[str, Floats]
    samples: dict[str, Floats]
    accelerations: dict[str, Floats] | None
    confidence: float
    reasons: dict[Key, str]

    def drawn(self, metric: str, place: Place) -> Floats:
        """Return the [B] resampled values of an overall metric, or of a metric of one class."""
        samples = self.samples[metric]
        return samples[:, place[0]] if place else samples

    def entry(self, metric: str, name: str | None, place: Place) -> dict[str, Any]:
        """Return ``{"value", "low", "high", "reason", "method"}`` as JSON holds it: None for what is undefined."""
        samples = self.drawn(metric, place)
        value = float(self.values[metric][place])
        low, high, method = self._limits(metric, samples, place)
        reason = self.reasons.get((metric, name)) or _no_width(value, samples)
        if reason:
            low = high = math.nan
        elif missing := np.count_nonzero(np.isnan(samples)):
            left_out = "too many for an interval" if math.isnan(low) else "which are left out"
            reason = f"undefined in {missing} of {samples.size} resamples, {left_out}"
        return json_entry(value, low, high, reason) | {"method": None if math.isnan(low) else method}

    def _limits(self, metric: str, samples: Floats, place: Place) -> tuple[float, float, IntervalMethod]:
        if self.accelerations is None:
            low, high = percentile_interval(samples, self.confidence)
            return float(low), float(high), "percentile"
        values, skew = self.values[metric][place], self.accelerations[metric][place]
        low, high, used = bca_interval(values, samples, skew, self.confidence)
        return float(low), float(high), "bca" if used else "percentile"


def metric_intervals(
    table: PredictionsTable, *, resamples: int, confidence: float, seed: int, method: IntervalMethod = "bca"
) -> dict[str, Any]:
    """Work out every metric of one part with intervals from resampling by case.

    Parameters
    ----------
    resamples, confidence, seed
        Of the bootstrap, see :mod:`osteolens.evaluation.bootstrap`.
    method
        ``percentile`` or ``bca``, which holds the truth more often where a figure is near 1 or the images are few
        (``benchmarks/interval_coverage.py`` measures it). A figure for which BCa is undefined gets percentile limits
        and says so. A share that is the same in every resample, such as a sensitivity of 1, gets Wilson's limits
        (:func:`share_entry`).

    Returns
    -------
    dict
        ``{"overall": {metric: entry}, "per_class": {class: {metric: entry}}}``, an entry being
        ``{"value", "low", "high", "reason", "method", "n"}``. `n` is explained by :func:`sample_sizes`.
    """
    labels, probabilities, cases = table.labels, table.probabilities, table.cases
    weights = bootstrap_weights(cases, labels, resamples, named_generator(seed, "bootstrap"))
    predicted = probabilities.argmax(axis=1)
    accelerations = None
    if method == "bca":
        strata = case_strata(cases, labels)[1]
        left_out = jackknife_metrics(labels, probabilities, cases)
        accelerations = {metric: acceleration(values, strata) for metric, values in left_out.items()}
    estimates = Estimates(
        point_metrics(labels, probabilities),
        compute_metrics(labels, probabilities, weights),
        accelerations,
        confidence,
        single_case_reasons(labels, cases, table.class_names) | undefined_reasons(labels, predicted, table.class_names),
    )
    sizes = sample_sizes(labels, predicted, len(table.class_names))

    def entry(metric: str, name: str | None, place: Place) -> dict[str, Any]:
        size = len(table) if name is None else int(sizes[metric][place])
        found = estimates.entry(metric, name, place) | {"n": size}
        share = _share(metric, place, labels, predicted)
        if found["reason"] != NO_WIDTH or share is None:
            return found
        wilson = share_entry(share[0], cases[share[1]], confidence)
        return found | {"low": wilson["low"], "high": wilson["high"], "method": "wilson", "reason": WILSON}

    return by_metric(table.class_names, entry)


def by_metric(class_names: Sequence[str], entry: Callable[[str, str | None, Place], dict[str, Any]]) -> dict[str, Any]:
    """Return the entries of all metrics, overall and per class, in the shape of ``metrics_summary.json``."""
    return {
        "overall": {metric: entry(metric, None, ()) for metric in OVERALL_METRICS},
        "per_class": {
            name: {metric: entry(metric, name, (k,)) for metric in CLASS_METRICS} for k, name in enumerate(class_names)
        },
    }


def single_case_reasons(labels: Integers, cases: NDArray[np.str_], class_names: Sequence[str]) -> dict[Key, str]:
    """Say which intervals cannot be had because all images of a class are of one case.

    Drawing that case again and again would give an interval of no width. The figures of the class and the means over
    the classes suffer; the other overall figures only where every class is so.
    """
    present = [(k, name) for k, name in enumerate(class_names) if (labels == k).any()]
    single = [name for k, name in present if np.unique(cases[labels == k]).size == 1]
    sentences = {name: f"all {name} images are of one case: no interval" for name in single}
    reasons: dict[Key, str] = {(metric, name): sentences[name] for name in single for metric in CLASS_METRICS}
    if single:
        overall = OVERALL_METRICS if len(single) == len(present) else MACRO_METRICS
        reasons |= {(metric, None): "; ".join(sentences.values()) for metric in overall}
    return reasons


def defined(value: float | Floats) -> float | None:
    """Return a plain number, None for NaN."""
    return None if np.isnan(value) else float(value)


def _share(
    metric: str, place: Place, labels: Integers, predicted: Integers
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return which of the images counted are hits, and [N] which images count; None if the metric is no share."""
    if metric == "accuracy":
        return labels == predicted, np.ones(len(labels), dtype=bool)
    if metric not in {"sensitivity", "specificity", "precision"}:
        return None
    truth, chosen = labels == place[0], predicted == place[0]
    hits, counted = {
        "sensitivity": (chosen, truth),
        "specificity": (~chosen, ~truth),
        "precision": (truth, chosen),
    }[metric]
    return hits[counted], counted


def _no_width(value: float, samples: Floats) -> str | None:
    """Return a reason where all resamples say the same: a limit equal to the value would claim certainty."""
    if np.abs(samples - value).max(initial=0) < NO_SPREAD:  # false where some are NaN
        return NO_WIDTH
    return None
