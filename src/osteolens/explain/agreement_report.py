"""The scores of a whole part's maps, by group of images, beside maps that know nothing, all with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osteolens.domain import AREA_BANDS
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.subgroups import subgroups
from osteolens.explain.agreement import MapAgreement
from osteolens.explain.baselines import Baseline
from osteolens.explain.case_means import CaseMeans, Floats, Members

_FREE_OF_MAPS = ("ceiling", "pointing_ceiling", "area_share")  # the same whatever the map shows: no difference


def agreement_report(
    agreement: MapAgreement,
    baselines: Mapping[str, Baseline],
    table: PredictionsTable,
    resampling: Resampling,
) -> dict[str, Any]:
    """Aggregate scores over all annotated images: means with intervals from a bootstrap by case.

    Parameters
    ----------
    baselines
        Name to the scores of the same images.
    table
        The part whose rows ``agreement.rows`` names.

    Returns
    -------
    dict
        The content of ``annotation_report.json``. A figure is ``{"value", "low", "high", "n", "reason"}``: the mean
        over `n` images; None where it is not defined, and then a reason. ``overall`` and every group hold the scores
        of the maps; ``baselines`` in them the scores of each baseline; ``differences`` map less baseline, paired by
        image.
    """
    images = table.frame.iloc[agreement.rows]
    labels, cases = table.labels[agreement.rows], table.cases[agreement.rows]
    reasons = {"empty": "no annotated image", "undefined": "every map is 0 everywhere"}
    resampled = CaseMeans.of(cases, labels, resampling, **reasons)
    everything = np.ones(len(labels), bool)
    groups = {
        "per_class": {name: labels == index for index, name in enumerate(table.class_names)},
        "per_size_band": {name: agreement.bands == band for band, name in enumerate(AREA_BANDS)},
        "per_source": subgroups(images, "source"),
        "per_subtype": subgroups(images, "subtype"),
    }
    beside = _beside(agreement, baselines, resampled, everything)
    return {
        **resampled.counts(everything),
        "map_class": "true class",
        "convention": "outline",
        "resolution": agreement.resolution,
        "zero_maps": int(agreement.zero.sum()),
        "warnings": _warnings(agreement),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "area": "share of the network's input, padding included",
        "ceiling": "of a map whose cells hold the lesion's share of their area, its IoU at its best threshold",
        "overall": resampled.means(agreement.names, agreement.outline, everything),
        **{name: {**baseline.about, **beside["baselines"][name]} for name, baseline in baselines.items()},
        "differences": beside["differences"],
        **{
            grouping: {name: _group(agreement, baselines, resampled, inside) for name, inside in members.items()}
            for grouping, members in groups.items()
        },
        "all_shapes": resampled.means(agreement.names, agreement.all_shapes, everything),
    }


def _group(
    agreement: MapAgreement, baselines: Mapping[str, Baseline], resampled: CaseMeans, members: Members
) -> dict[str, Any]:
    scores = resampled.means(agreement.names, agreement.outline, members)
    return {**resampled.counts(members), **scores, **_beside(agreement, baselines, resampled, members)}


def _beside(
    agreement: MapAgreement, baselines: Mapping[str, Baseline], resampled: CaseMeans, members: Members
) -> dict[str, dict[str, Any]]:
    """Return the scores of each baseline over a group, and the differences to it."""

    def differences(scores: Floats) -> Iterator[tuple[str, dict[str, Any]]]:
        for column, name in enumerate(agreement.names):
            if name not in _FREE_OF_MAPS:
                yield name, resampled.entry(agreement.outline[:, column] - scores[:, column], members)

    return {
        "baselines": {
            name: resampled.means(agreement.names, baseline.scores, members) for name, baseline in baselines.items()
        },
        "differences": {name: dict(differences(baseline.scores)) for name, baseline in baselines.items()},
    }


def _warnings(agreement: MapAgreement) -> list[str]:
    if not (zero := int(agreement.zero.sum())):
        return []
    found = f"{zero} of {agreement.zero.size} maps are 0 everywhere: the network found no evidence for the true class."
    return [f"{found} They count as 0 in IoU and pointing game and are left out of the energy."]
