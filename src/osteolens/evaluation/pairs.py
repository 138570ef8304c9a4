"""Two models on the same images, for every pair of runs of which that holds, with p-values corrected together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from osteolens.domain import MALIGNANT, Column
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import aligned, known_cases
from osteolens.evaluation.compared_run import ComparedRun
from osteolens.evaluation.fixed_specificity import AT_SPECIFICITY
from osteolens.evaluation.headline import chosen_figures
from osteolens.evaluation.holm import holm
from osteolens.evaluation.overlap import WeightedDifference
from osteolens.evaluation.paired import compare, p_value_of
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling


def paired_comparisons(
    runs: Sequence[ComparedRun], resampling: Resampling
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the paired comparisons, and the pairs on one split that cannot be compared so."""
    made: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for first, second in combinations(runs, 2):
        names = {"first": first.label, "second": second.label}
        if first.experiment == second.experiment:
            continue
        if first.images != second.images:
            if first.scheme == second.scheme:
                refused.append(names | {"reason": "they were not evaluated on the same images"})
            continue
        try:
            made.append(names | _paired(first.table, second.table, resampling))
        except EvaluationError as error:
            refused.append(names | {"reason": str(error)})
    return made, refused


def correct_p_values(comparisons: list[dict[str, Any]], resampling: Resampling) -> dict[str, Any]:
    """Add ``p_holm`` to each entry and return what it was corrected for.

    Returns
    -------
    dict
        ``family`` in words; ``comparisons``: figure → number of p-values corrected together; ``least_p``, below which
        no p-value from resampling lies; ``out_of_reach``: the figures whose p-values come from resampling and are so
        many that even the least of them is not below 1 - confidence after correction; ``reason``: the same in words,
        None where there is no such figure.
    """
    by_figure: dict[str, list[dict[str, Any]]] = {}
    for comparison in comparisons:
        for metric, name, entry in figure_leaves(comparison["figures"]):
            by_figure.setdefault(f"{metric} {name}" if name else metric, []).append(entry)
    counts = {}
    for figure, entries in by_figure.items():
        for entry, corrected in zip(entries, holm([entry["p_value"] for entry in entries]), strict=True):
            entry["p_holm"] = corrected
        counts[figure] = sum(entry["p_value"] is not None for entry in entries)
    resampled = {figure: counts[figure] for figure, entries in by_figure.items() if entries[0]["method"] != "delong"}
    return {
        "family": "one figure over all pairs of runs on the same images",
        "comparisons": counts,
        **_reach(resampled, resampling),
    }


def _reach(counts: dict[str, int], resampling: Resampling) -> dict[str, Any]:
    """Return what Holm's correction leaves of the least p-value that resampling can give, see correct_p_values."""
    least, level = 2 / (resampling.resamples + 1), 1 - resampling.confidence
    beyond = [figure for figure, count in counts.items() if count * least >= level]
    reason = None
    if beyond:
        most = max(counts.values())
        reason = (
            f"{resampling.resamples} resamples give no p below {least:.2g}, which the correction for {most} pairs "
            f"raises to {min(1.0, most * least):.2g}: no difference in {', '.join(beyond)} can be told; take "
            f"{math.ceil(2 * most / level)} resamples or more"
        )
    return {"least_p": least, "out_of_reach": beyond, "reason": reason}


def figure_leaves(figures: dict[str, Any]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yield metric, class (None for an overall figure) and entry of each figure."""
    for metric, found in figures.items():
        if "value" in found:
            yield metric, None, found
        else:
            yield from ((metric, name, entry) for name, entry in found.items())


def _paired(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return first less second; compare() takes them in the other order."""
    found = compare(second, first, resampling)
    chosen = chosen_figures(found)
    overall = {metric: _turned(entry) for metric, entry in chosen.items() if metric != "sensitivity"}
    return {
        "n": found["n"],
        "cases": found["cases"],
        "figures": {
            **overall,
            "sensitivity": {name: _turned(entry) for name, entry in chosen["sensitivity"].items()},
            AT_SPECIFICITY: _paired_at_specificity(first, second, resampling),
            "auc": {name: _by_delong(own["auc"], found["delong"][name]) for name, own in found["per_class"].items()},
        },
    }


def _turned(entry: dict[str, Any]) -> dict[str, Any]:
    sides = {"first": entry["second"], "second": entry["first"], "value": entry["difference"]}
    return sides | {key: entry[key] for key in ("low", "high", "p_value", "reason")} | {"method": "percentile"}


def _by_delong(entry: dict[str, Any], delong: dict[str, Any]) -> dict[str, Any]:
    limits = {key: delong[key] for key in ("low", "high", "p_value", "reason")}
    return _turned(entry) | limits | {"method": "delong"}


def _paired_at_specificity(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    second = aligned(first, second)
    cases = known_cases(first, second)
    weights = resampling.weights(cases, first.labels)
    difference = WeightedDifference.of(first, second, (weights, weights), resampling.confidence)
    entry = difference.entry(AT_SPECIFICITY)
    malignant = cases[(first.frame[Column.LABEL] == MALIGNANT).to_numpy()]
    return entry | p_value_of(entry, difference.estimates.drawn(AT_SPECIFICITY, ()), malignant, resampling.confidence)
