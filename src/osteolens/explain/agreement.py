"""Agreement of the maps of a whole part with its annotations, with intervals, beside a centre prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import EvaluationOptions
from osteolens.evaluation.bootstrap import bootstrap_weights, percentile_interval
from osteolens.explain.scores import CENTRE_DEVIATION, centre_prior, map_scores, score_names
from osteolens.explain.upsample import upsample
from osteolens.randomness import named_generator

Masks = Mapping[int, NDArray[np.uint8]]
Floats = NDArray[np.float64]

# Upper limits of the lesion's share of the area; half of all BTXRD lesions are below 1 %, three quarters below 3 %.
SIZE_BANDS: tuple[tuple[str, float], ...] = (
    ("<0.5%", 0.005),
    ("0.5-1%", 0.01),
    ("1-3%", 0.03),
    ("3-10%", 0.10),
    (">10%", np.inf),
)


@dataclass(frozen=True, slots=True, eq=False)
class MapAgreement:
    """Scores of the map of the true class of each annotated image; M scores in the order of `names`.

    Attributes
    ----------
    names
        See :func:`osteolens.explain.scores.score_names`.
    rows
        [N] rows of the predictions table.
    outline, all_shapes
        [N, M] against the lesion by its outline, and against the union of everything drawn.
    centre_prior
        [N, M] of the centre prior against the outline.
    zero
        [N] whether the map is 0 everywhere.
    resolution
        Height and width of the maps before they were enlarged to the grid of the masks; None without images.
    """

    names: tuple[str, ...]
    rows: NDArray[np.intp]
    outline: Floats
    all_shapes: Floats
    centre_prior: Floats
    zero: NDArray[np.bool_]
    resolution: tuple[int, ...] | None

    @property
    def area_share(self) -> Floats:
        """[N] share of the network's input that the outline covers, 0 to 1."""
        return self.outline[:, self.names.index("area_share")]

    @property
    def bands(self) -> NDArray[np.intp]:
        """[N] index in :data:`SIZE_BANDS`; a share equal to a limit is in the band above it."""
        return np.searchsorted([limit for _, limit in SIZE_BANDS], self.area_share, side="right")


def score_maps(
    maps: Mapping[int, NDArray[np.float32]], outline: Masks, all_shapes: Masks, thresholds: Sequence[float]
) -> MapAgreement:
    """Score one map per annotated image.

    Parameters
    ----------
    maps
        Row to the map [h, w] of its true class.
    outline, all_shapes
        Row to its mask [H, W]; every row of `maps` has both.
    thresholds
        Of the IoU, as shares of the map's maximum.
    """
    names = score_names(thresholds)
    rows = sorted(maps)
    by_outline, by_shapes, by_prior = (np.empty((len(rows), len(names))) for _ in range(3))
    for place, row in enumerate(rows):
        mask = outline[row]
        heat = upsample(maps[row], *mask.shape)
        by_outline[place] = map_scores(heat, mask, thresholds)
        by_shapes[place] = map_scores(heat, all_shapes[row], thresholds)
        by_prior[place] = map_scores(centre_prior(*mask.shape), mask, thresholds)
    return MapAgreement(
        names=names,
        rows=np.array(rows, np.intp),
        outline=by_outline,
        all_shapes=by_shapes,
        centre_prior=by_prior,
        zero=np.array([maps[row].max() <= 0 for row in rows]),
        resolution=next((heat.shape for heat in maps.values()), None),
    )


def agreement_report(
    agreement: MapAgreement,
    cases: NDArray[np.str_],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    *,
    options: EvaluationOptions,
    seed: int,
) -> dict[str, Any]:
    """Aggregate scores over all annotated images: means with intervals from a bootstrap by case.

    Parameters
    ----------
    cases, labels
        [N] case id and true class index of the annotated images, in the order of ``agreement.rows``.

    Returns
    -------
    dict
        The content of ``annotation_report.json``. A figure is ``{"value", "low", "high", "n", "reason"}``: the mean
        over `n` images; None where it is not defined, and then a reason.
    """
    generator = named_generator(seed, "bootstrap maps")
    resampled = _Resampled(
        bootstrap_weights(cases, labels, options.bootstrap_resamples, generator) if len(labels) else np.zeros((0, 0)),
        cases,
        options.confidence,
        agreement.names,
    )
    everything = np.ones(len(labels), bool)
    return {
        "n": len(labels),
        "cases": int(np.unique(cases).size),
        "map_class": "true class",
        "convention": "outline",
        "resolution": agreement.resolution,
        "zero_maps": int(agreement.zero.sum()),
        "warnings": _warnings(agreement),
        "confidence": options.confidence,
        "resamples": options.bootstrap_resamples,
        "resampled_by": "case",
        "area": "share of the network's input, padding included",
        "overall": resampled.means(agreement.outline, everything),
        "centre_prior": {
            "deviation": CENTRE_DEVIATION,
            **resampled.means(agreement.centre_prior, everything),
        },
        "per_class": {
            name: resampled.group(agreement.outline, labels == index) for index, name in enumerate(class_names)
        },
        "per_size_band": {
            name: resampled.group(agreement.outline, agreement.bands == band)
            for band, (name, _) in enumerate(SIZE_BANDS)
        },
        "all_shapes": resampled.means(agreement.all_shapes, everything),
    }


def _warnings(agreement: MapAgreement) -> list[str]:
    if not (zero := int(agreement.zero.sum())):
        return []
    found = f"{zero} of {agreement.zero.size} maps are 0 everywhere: the network found no evidence for the true class."
    return [f"{found} They count as 0 in IoU and pointing game and are left out of the energy."]


@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """Means of scores over groups of images.

    Attributes
    ----------
    weights
        [B, N] how often each image is in each resample.
    """

    weights: NDArray[np.number]
    cases: NDArray[np.str_]
    confidence: float
    names: tuple[str, ...]

    def group(self, scores: Floats, members: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the size of a group and its means."""
        counts = {"n": int(members.sum()), "cases": int(np.unique(self.cases[members]).size)}
        return {**counts, **self.means(scores, members)}

    def means(self, scores: Floats, members: NDArray[np.bool_]) -> dict[str, Any]:
        """Return each score's mean over the members for which it is defined."""
        return {name: self._entry(scores[:, column], members) for column, name in enumerate(self.names)}

    def _entry(self, values: Floats, members: NDArray[np.bool_]) -> dict[str, Any]:
        used = members & ~np.isnan(values)
        entry: dict[str, Any] = {"value": None, "low": None, "high": None, "n": int(used.sum()), "reason": None}
        if not used.any():
            reason = "every map is 0 everywhere" if members.any() else "no annotated image"
            return {**entry, "reason": reason}
        entry["value"] = float(values[used].mean())
        if np.unique(self.cases[used]).size == 1:
            return {**entry, "reason": "all images are of one case: no interval"}
        if np.ptp(values[used]) == 0:
            return {**entry, "reason": "all images have the same value: a bootstrap cannot show its spread"}
        weights = self.weights[:, used].astype(np.float64)
        drawn = weights.sum(axis=1)
        samples = np.divide(weights @ values[used], drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
        low, high = percentile_interval(samples, self.confidence)
        if np.isnan(low):
            return {**entry, "reason": "missing from too many resamples for an interval"}
        return {**entry, "low": float(low), "high": float(high)}
