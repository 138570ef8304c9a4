"""Two models on the same images: the difference of every metric, with interval and p-value.

Both models are measured on the same resamples of cases, so that what is hard or easy for both cancels. The p-value is
the equal-tailed one of the bootstrap (MacKinnon, in Handbook of Computational Econometrics, 2009): twice the share of
resamples on the rarer side of 0. The resample at hand counts as one more on either side (Davison & Hinkley, Bootstrap
Methods and their Application, 1997, section 4.2), so that p is never 0. It agrees with the percentile interval: p is
below 0.05 where the 95% interval leaves out 0, but for rounding.

Two cases that both favour one model do so in every resample. A test that lets the models change places within a case
gives n cases no p-value below 2 / 2^n (the sign test's, where all cases agree), so ours is not put below that either.
A difference that is the same in all resamples, and not 0, has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.alignment import aligned, known_cases
from osteolens.evaluation.bca import NO_SPREAD
from osteolens.evaluation.bootstrap import enough_defined
from osteolens.evaluation.delong import auc_difference
from osteolens.evaluation.entries import NO_WIDTH
from osteolens.evaluation.estimates import Estimates, Key, Place, by_metric, defined, single_case_reasons
from osteolens.evaluation.metrics import Floats, compute_metrics, point_metrics, undefined_reasons
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

NO_P_VALUE = "the resamples do not differ: no interval and no p-value"


def compare(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return the difference of every metric, second less first.

    Parameters
    ----------
    first, second
        One part each, of the same images; rows and classes may stand in another order.
    resampling
        The resamples are those of :func:`osteolens.evaluation.estimates.metric_intervals`.

    Returns
    -------
    dict
        ``n``, ``cases``, ``confidence``, ``resamples``, ``overall`` and ``per_class`` with entries
        ``{"first", "second", "difference", "low", "high", "p_value", "reason"}``, and ``delong`` with entries
        ``{"difference", "low", "high", "p_value", "reason"}`` of the AUC of each class. No p-value is corrected for the
        number of metrics looked at.

    Raises
    ------
    EvaluationError
        The tables differ in images, classes, labels or cases, or one holds more than one split.
    """
    second = aligned(first, second)
    labels, cases = first.labels, known_cases(first, second)
    weights, confidence = resampling.weights(cases, labels), resampling.confidence
    points = [point_metrics(labels, table.probabilities) for table in (first, second)]
    samples = [compute_metrics(labels, table.probabilities, weights) for table in (first, second)]
    reasons = single_case_reasons(labels, cases, first.class_names) | _either_undefined(first, second)
    estimates = Estimates.of_difference(points[::-1], samples[::-1], confidence, reasons)

    def entry(metric: str, name: str | None, place: Place) -> dict[str, Any]:
        difference = estimates.entry(metric, name, place)
        concerned = cases[labels == place[0]] if metric == "sensitivity" else cases
        told = p_value_of(difference, estimates.drawn(metric, place), concerned, confidence)
        return {
            "first": defined(points[0][metric][place]),
            "second": defined(points[1][metric][place]),
            "difference": difference["value"],
            **{key: difference[key] for key in ("low", "high")},
            **told,
        }

    return {
        "n": len(first),
        "cases": int(np.unique(cases).size),
        "confidence": confidence,
        "resamples": resampling.resamples,
        **by_metric(first.class_names, entry),
        "delong": _delong(first, second, cases, confidence, reasons),
    }


def p_value_of(
    difference: dict[str, Any], samples: Floats, cases: NDArray[np.str_], confidence: float
) -> dict[str, Any]:
    """Return ``p_value`` and ``reason`` of a difference.

    Parameters
    ----------
    difference
        Entry with the interval.
    samples
        [B] resampled differences.
    cases
        Case of each image whose answer is counted: of those of its class for a sensitivity, else of all.
    """
    reason = difference["reason"]
    if difference["value"] is None or (reason != NO_WIDTH and difference["low"] is None):
        return {"p_value": None, "reason": reason}
    if reason == NO_WIDTH and abs(difference["value"]) > NO_SPREAD:
        return {"p_value": None, "reason": NO_P_VALUE}
    least = 2.0 ** (1 - np.unique(cases).size)
    return {"p_value": max(least, float(two_sided_p_value(samples, confidence))), "reason": reason}


def two_sided_p_value(differences: Floats, confidence: float) -> Floats:
    """Return how unusual a difference of 0 is among resampled ones: 2 (1 + the rarer side) / (1 + all), at most 1.

    Parameters
    ----------
    differences
        [B, ...] resampled; 0 counts on both sides, and undefined ones are left out.
    confidence
        Of the interval beside it: undefined resamples forbid both alike.

    Returns
    -------
    ndarray
        [...]; NaN where too many resamples are undefined.
    """
    all_defined = np.count_nonzero(~np.isnan(differences), axis=0)
    below = np.count_nonzero(differences <= NO_SPREAD, axis=0)
    above = np.count_nonzero(differences >= -NO_SPREAD, axis=0)
    p_values = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (all_defined + 1))
    return np.where(enough_defined(differences, confidence), p_values, np.nan)


def _either_undefined(first: PredictionsTable, second: PredictionsTable) -> dict[Key, str]:
    """Return the reasons of both tables, told apart where they differ."""
    of_first, of_second = (
        undefined_reasons(table.labels, table.probabilities.argmax(axis=1), table.class_names)
        for table in (first, second)
    )
    reasons = {}
    for key in {**of_first, **of_second}:
        if of_first.get(key) == of_second.get(key):
            reasons[key] = of_first[key]
        else:
            parts = (("first", of_first), ("second", of_second))
            reasons[key] = "; ".join(f"{which} model: {of[key]}" for which, of in parts if key in of)
    return reasons


def _delong(
    first: PredictionsTable,
    second: PredictionsTable,
    cases: NDArray[np.str_],
    confidence: float,
    reasons: dict[Key, str],
) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(first.class_names):
        scores, other_scores = first.probabilities[:, k], second.probabilities[:, k]
        found = auc_difference(first.labels == k, scores, other_scores, cases, confidence)
        figures = {"difference": found.difference, "low": found.low, "high": found.high, "p_value": found.p_value}
        results[name] = {key: defined(value) for key, value in figures.items()}
        without = "the difference has no variance: no interval" if np.isnan(found.p_value) else None
        results[name]["reason"] = reasons.get(("auc", name), without)
    return results
