"""Every metric of a table with its interval, the number of images it rests on, and a reason where it is undefined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.bca import acceleration, jackknife_metrics
from osteolens.evaluation.bootstrap import case_strata
from osteolens.evaluation.class_means import class_correlations, mean_interval
from osteolens.evaluation.delong import auc_interval
from osteolens.evaluation.entries import NO_WIDTH, effective_cases, resampled_entry, share_entry
from osteolens.evaluation.entries import entry as json_entry
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
from osteolens.evaluation.resampling import Resampling

Key = tuple[str, str | None]  # metric, and class where it is one of a class
Place = tuple[int, ...]  # of a class in the figures of a metric; () for an overall metric

WILSON = "the resamples do not differ: Wilson's interval on the effective number of cases (Kish)"
FEWEST_DRAWN = 10  # effective cases; drawing fewer again and again shows too little of what others could have been
FEW_DRAWN = f"fewer than {FEWEST_DRAWN} effective cases: Wilson's interval on that number (Kish)"
ONE_ANSWER = "always the same answer, for which this is the value whatever the images: no interval"
# figures whose mean over the classes gets its limits from those of the classes, and how two classes are taken to vary
# together where one does not vary: those of sensitivity and of precision rest on different images
RECOVERED = {"sensitivity": 0.0, "precision": 0.0, "specificity": 1.0, "auc": 1.0}


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

    @classmethod
    def of_difference(
        cls,
        points: Sequence[dict[str, Floats]],
        samples: Sequence[dict[str, Floats]],
        confidence: float,
        reasons: dict[Key, str],
    ) -> Estimates:
        """Return the first's figures less the second's, with percentile limits."""
        values, drawn = (
            {name: np.asarray(own[0][name] - own[1][name]) for name in own[0]} for own in (points, samples)
        )
        return cls(values, drawn, None, confidence, reasons)

    def drawn(self, metric: str, place: Place) -> Floats:
        """Return the [B] resampled values of an overall metric, or of a metric of one class."""
        samples = self.samples[metric]
        return samples[:, place[0]] if place else samples

    def entry(self, metric: str, name: str | None, place: Place) -> dict[str, Any]:
        """Return ``{"value", "low", "high", "reason", "method"}`` as JSON holds it: None for what is undefined."""
        value = float(self.values[metric][place])
        if reason := self.reasons.get((metric, name)):
            return json_entry(value, reason=reason) | {"method": None}
        skew = None if self.accelerations is None else float(self.accelerations[metric][place])
        return resampled_entry(value, self.drawn(metric, place), self.confidence, acceleration=skew)


def metric_intervals(table: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Work out every metric of one part with intervals from resampling by case.

    Parameters
    ----------
    resampling
        Its method is ``percentile`` or ``bca``. With ``bca`` the AUC of a class gets DeLong's limits instead
        (:func:`osteolens.evaluation.delong.auc_interval`); ``benchmarks/interval_coverage.py`` measures how often each
        holds the truth. A figure for which BCa is undefined gets percentile limits and says so. With either, a share
        that is the same in every resample, such as a sensitivity of 1, or that rests on fewer than FEWEST_DRAWN
        effective cases, also on one, gets Wilson's limits (:func:`share_entry`), and the mean over the classes of a
        figure of RECOVERED is put together from the classes (:mod:`osteolens.evaluation.class_means`). A mean over
        classes of which one has no limits has none, and where the answer is always the same neither balanced accuracy
        nor macro specificity, which are then 1 / K and 1 - 1 / K.

    Returns
    -------
    dict
        ``{"overall": {metric: entry}, "per_class": {class: {metric: entry}}}``, an entry being
        ``{"value", "low", "high", "reason", "method", "n"}``. `method` is ``percentile``, ``bca``, ``wilson``,
        ``delong``, ``recovered`` or None; `n` is explained by :func:`sample_sizes`.
    """
    labels, probabilities, cases = table.labels, table.probabilities, table.cases
    predicted = probabilities.argmax(axis=1)
    accelerations = None
    if resampling.method == "bca":
        strata = case_strata(cases, labels)[1]
        left_out = jackknife_metrics(labels, probabilities, cases)
        accelerations = {metric: acceleration(values, strata) for metric, values in left_out.items()}
    estimates = Estimates(
        point_metrics(labels, probabilities),
        compute_metrics(labels, probabilities, resampling.weights(cases, labels)),
        accelerations,
        resampling.confidence,
        single_case_reasons(labels, cases, table.class_names)
        | _one_answer_reasons(predicted)
        | undefined_reasons(labels, predicted, table.class_names),
    )
    sizes = sample_sizes(labels, predicted, len(table.class_names))

    def entry(metric: str, name: str | None, place: Place) -> dict[str, Any]:
        found = estimates.entry(metric, name, place)
        share = _share(metric, place, labels, predicted)
        if share is not None and (reason := _wilson_reason(found, effective_cases(cases[share[1]]))):
            wilson = share_entry(share[0], cases[share[1]], resampling.confidence)
            found |= {"low": wilson["low"], "high": wilson["high"], "method": "wilson", "reason": reason}
        elif metric == "auc" and found["method"] and resampling.method == "bca":
            low, high = auc_interval(labels == place[0], probabilities[:, place[0]], cases, resampling.confidence)
            if not np.isnan(low):
                found = json_entry(found["value"], low, high) | {"method": "delong"}
        return found | {"n": len(table) if name is None else int(sizes[metric][place])}

    figures = by_metric(table.class_names, entry)
    for macro, metric in MACRO_METRICS.items():
        own = figures["overall"][macro]
        if own["value"] is not None and own["reason"] != ONE_ANSWER:
            own |= _of_classes(macro, metric, figures, estimates)
    return figures


def _one_answer_reasons(predicted: Integers) -> dict[Key, str]:
    """Say of which means over the classes an answer that never changes leaves nothing to estimate."""
    exact = ("balanced_accuracy", "macro_specificity")
    return {(macro, None): ONE_ANSWER for macro in exact} if np.unique(predicted).size == 1 else {}


def _wilson_reason(found: dict[str, Any], cases: float) -> str | None:
    """Return why a share with these resampled limits, or without limits, is given Wilson's; None where it is not."""
    if found["value"] is None:
        return None
    if cases < FEWEST_DRAWN:
        return FEW_DRAWN
    return WILSON if found["reason"] == NO_WIDTH else None


def _of_classes(macro: str, metric: str, figures: dict[str, Any], estimates: Estimates) -> dict[str, Any]:
    """Return the limits that the classes give to a mean over them, with method and reason."""
    parts = {name: own[metric] for name, own in figures["per_class"].items()}
    if without := {name: part["reason"] for name, part in parts.items() if part["low"] is None}:
        told = estimates.reasons.get((macro, None)) or _grouped(without)
        return {"low": None, "high": None, "method": None, "reason": told}
    if metric not in RECOVERED:
        return dict(figures["overall"][macro])
    values, lows, highs = (np.array([part[key] for part in parts.values()]) for key in ("value", "low", "high"))
    correlations = class_correlations(estimates.samples[metric], RECOVERED[metric])
    low, high = mean_interval(values, lows, highs, correlations)
    told = _grouped({name: part["reason"] for name, part in parts.items() if part["reason"]})
    return {"low": low, "high": high, "method": "recovered", "reason": told or None}


def _grouped(reasons: dict[str, str]) -> str:
    """Return the reasons of the classes, each once, with the classes that it holds for."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(classes)}: {reason}" for reason, classes in names.items())


def by_metric(class_names: Sequence[str], entry: Callable[[str, str | None, Place], dict[str, Any]]) -> dict[str, Any]:
    """Return the entries of all metrics, overall and per class, in the shape of ``metrics_summary.json``."""
    return {
        "overall": {metric: entry(metric, None, ()) for metric in OVERALL_METRICS},
        "per_class": {
            name: {metric: entry(metric, name, (k,)) for metric in CLASS_METRICS} for k, name in enumerate(class_names)
        },
    }


def single_case_reasons(labels: Integers, cases: NDArray[np.str_], class_names: Sequence[str]) -> dict[Key, str]:
    """Say which intervals cannot be had because all images of a class, or all others, are of one case.

    Drawing that case again and again would give an interval of no width. The figures of the class and the means over
    the classes suffer; the other overall figures only where every class is so.
    """
    present = [(k, name) for k, name in enumerate(class_names) if (labels == k).any()]
    single = [name for k, name in present if np.unique(cases[labels == k]).size == 1]
    sentences = {name: f"all {name} images are of one case: no interval" for name in single}
    reasons: dict[Key, str] = {
        (metric, name): f"all images that are not {name} are of one case: no interval"
        for k, name in present
        if np.unique(cases[labels != k]).size == 1
        for metric in ("auc", "average_precision", "specificity")
    }
    reasons |= {(metric, name): sentences[name] for name in single for metric in CLASS_METRICS}
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
