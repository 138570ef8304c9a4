"""The headline figures of each subgroup, and the subgroup in which they are worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.domain import AGE_BANDS, AREA_BANDS, NONE_GIVEN, Column
from osteolens.evaluation.facts import JOINED, ImageFacts
from osteolens.evaluation.headline import headline
from osteolens.evaluation.resampling import Resampling

FEWEST_RANKED = 20  # images; the figures of a smaller group say little
FEWEST_CASES = 5  # of each class; one misplaced case of four moves the AUC of its class by up to a quarter

GROUPINGS = {  # name to column
    "center": "center",
    "source": "source",
    "sex": "gender",
    "age": "age",
    "region": "region",
    "view": "view",
    "subtype": "subtype",
    "lesion size": "lesion_area",
}
_BANDS: dict[str, Mapping[str, float]] = {"age": AGE_BANDS, "lesion_area": AREA_BANDS}
_TUMOURS_ONLY = {"subtype", "lesion_area"}  # an image without a value has no tumour: it is of no group


def subgroup_scores(facts: ImageFacts, resampling: Resampling) -> dict[str, Any]:
    """Return the figures of every subgroup of :data:`GROUPINGS`.

    An image with several views, regions or subtypes counts in the group of each.

    Returns
    -------
    dict
        ``groupings``: name → group → the headline figures (see :func:`~osteolens.evaluation.headline.headline`) with
        ``ranked``, false below ``fewest_ranked`` images, and ``macro_auc_ranked``, false also where a class has fewer
        than ``fewest_cases`` cases, and ``per_class_cases``; ``not_possible``: name of a grouping → reason;
        ``worst``, see :func:`worst_subgroups`.
    """
    groupings: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    for name, column in GROUPINGS.items():
        groups = subgroups(facts.evaluated, column)
        if len(groups) < 2:
            refused[name] = f"all images have the same {name}" if groups else f"{name} is not known of any image"
        else:
            groupings[name] = {group: _scores(facts, inside, resampling) for group, inside in groups.items()}
    return {
        "fewest_ranked": FEWEST_RANKED,
        "fewest_cases": FEWEST_CASES,
        "groupings": groupings,
        "not_possible": refused,
        "worst": worst_subgroups(groupings),
    }


def subgroups(evaluated: pd.DataFrame, column: str) -> dict[str, NDArray[np.bool_]]:
    """Return group → [N] whether an image is in it, without empty groups; none where the column says nothing."""
    if column not in evaluated:
        return {}
    cells = evaluated[column]
    if column in _BANDS:
        starts = list(_BANDS[column].values())
        ends = [*starts[1:], np.inf]
        groups = {
            name: (cells >= low) & (cells < high) for name, low, high in zip(_BANDS[column], starts, ends, strict=True)
        }
        unknown = cells.isna()
    else:
        values = cells.map(lambda cell: set(cell.split("+")) if column in JOINED else {cell})
        names = sorted(set().union(*values) - {""})
        groups = {name: values.map(lambda own, name=name: name in own) for name in names}
        unknown = cells == ""
    present = {name: inside.to_numpy(bool) for name, inside in groups.items() if inside.any()}
    if present and unknown.any() and column not in _TUMOURS_ONLY:
        present[NONE_GIVEN] = unknown.to_numpy(bool)
    return present


def worst_subgroups(groupings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """Return, for accuracy and macro AUC, the ranked group with the lowest value; None where fewer than two have one.

    Returns
    -------
    dict
        Metric to ``grouping``, ``group``, ``n`` and ``cases``, ``compared`` (the number of groups that were ranked) and
        the entry of the metric. Of equals the first counts, in the order of :data:`GROUPINGS`. The lowest of many
        groups is low by chance too, and groups differ in their classes: it tells where to look, not how bad it is.
    """
    ranked_by = {"accuracy": "ranked", "macro_auc": "macro_auc_ranked"}
    return {metric: _worst(groupings, metric, flag) for metric, flag in ranked_by.items()}


def _worst(groupings: dict[str, dict[str, Any]], metric: str, flag: str) -> dict[str, Any] | None:
    ranked = [
        (scores[metric]["value"], grouping, group)
        for grouping, groups in groupings.items()
        for group, scores in groups.items()
        if scores[flag] and scores[metric]["value"] is not None
    ]
    if len(ranked) < 2:  # the lowest of one is none
        return None
    _, grouping, group = min(ranked, key=lambda found: found[0])
    scores = groupings[grouping][group]
    sizes = {key: scores[key] for key in ("n", "cases")}
    place = {"grouping": grouping, "group": group, **sizes, "compared": len(ranked)}
    return place | scores[metric]


def _scores(facts: ImageFacts, inside: NDArray[np.bool_], resampling: Resampling) -> dict[str, Any]:
    group = facts.table.subset(inside)
    scores, ranked = headline(group, resampling), len(group) >= FEWEST_RANKED
    found = group.frame.groupby(Column.LABEL)[Column.CASE].nunique()
    cases = {name: int(found.get(name, 0)) for name in group.class_names}
    enough = min(cases.values()) >= FEWEST_CASES
    return {**scores, "per_class_cases": cases, "ranked": ranked, "macro_auc_ranked": ranked and enough}
