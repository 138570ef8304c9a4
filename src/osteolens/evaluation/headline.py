"""The few figures by which parts, models and pictures are compared, and the difference of two of them."""

from __future__ import annotations

from typing import Any

from osteolens.evaluation.bootstrap import bootstrap_weights
from osteolens.evaluation.estimates import Estimates, Key, by_metric, single_case_reasons
from osteolens.evaluation.metrics import Floats, compute_metrics, point_metrics, undefined_reasons
from osteolens.evaluation.paired import compare
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.summary import summarise
from osteolens.randomness import named_generator

METRICS = ("accuracy", "balanced_accuracy", "macro_auc")


def headline(table: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return the headline figures of a set of images.

    Returns
    -------
    dict
        ``n``, ``cases``, ``per_class_n``, an entry ``{"value", "low", "high", "reason", ...}`` for each of METRICS,
        and ``sensitivity`` → class → entry, as :func:`osteolens.evaluation.estimates.metric_intervals` gives them.
    """
    return headline_of(summarise(table, resampling))


def headline_of(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the headline figures out of :func:`osteolens.evaluation.summary.summarise`."""
    return {**{key: summary[key] for key in ("n", "cases", "per_class_n")}, **chosen_figures(summary)}


def paired_difference(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return `first` minus `second`, two answers for the same images, in every headline figure.

    Returns
    -------
    dict
        An entry ``{"value", "low", "high", "p_value", "reason"}`` for each of METRICS, and ``sensitivity`` → class →
        entry; see :func:`osteolens.evaluation.paired.compare`, which also tells of the errors.
    """
    chosen = chosen_figures(compare(second, first, resampling))
    for figures in (chosen, chosen["sensitivity"]):
        for name in figures.keys() - {"sensitivity"}:
            entry = figures[name]
            figures[name] = {"value": entry["difference"], **{key: entry[key] for key in ("low", "high", "p_value")}}
            figures[name]["reason"] = entry["reason"]
    return chosen


def separate_difference(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return `first` minus `second`, two sets of images without a case in common, in every headline figure.

    The cases of each are drawn independently of the other's. A figure that one side cannot tell has no difference,
    and one for which a side has no interval has none here, with the same reason.
    """
    points = [point_metrics(table.labels, table.probabilities) for table in (first, second)]
    samples = [_resampled(first, resampling, "first"), _resampled(second, resampling, "second")]
    reasons = reasons_of(second) | reasons_of(first)
    estimates = Estimates.of_difference(points, samples, resampling.confidence, reasons)
    return chosen_figures(by_metric(first.class_names, estimates.entry))


def _resampled(table: PredictionsTable, resampling: Resampling, side: str) -> dict[str, Floats]:
    generator = named_generator(resampling.seed, "difference", side)  # of its own: equal draws would be dependent
    weights = bootstrap_weights(table.cases, table.labels, resampling.resamples, generator)
    return compute_metrics(table.labels, table.probabilities, weights)


def reasons_of(table: PredictionsTable) -> dict[Key, str]:
    """Return why a metric, or its interval, cannot be told of these images."""
    labels, predicted = table.labels, table.probabilities.argmax(axis=1)
    alone = single_case_reasons(labels, table.cases, table.class_names)
    return alone | undefined_reasons(labels, predicted, table.class_names)


def chosen_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """Return METRICS and ``sensitivity`` → class out of :func:`osteolens.evaluation.estimates.by_metric`."""
    return {
        **{metric: figures["overall"][metric] for metric in METRICS},
        "sensitivity": {name: own["sensitivity"] for name, own in figures["per_class"].items()},
    }
