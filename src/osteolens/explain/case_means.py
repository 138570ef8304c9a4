"""Means over images with intervals from a bootstrap of whole cases; what all scores of maps share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.bootstrap import percentile_interval
from osteolens.evaluation.resampling import Resampling

Floats = NDArray[np.float64]
Members = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CaseMeans:
    """Resamples of N images by case, the same for every score, so that differences are paired.

    Attributes
    ----------
    weights
        [B, N] how often each image is in each resample.
    cases
        [N] case ids.
    confidence
        Level of the intervals, 0 to 1.
    empty, undefined
        The reasons given where a group has no image, and where no image of it has a value.
    """

    weights: Floats
    cases: NDArray[np.str_]
    confidence: float
    empty: str = "no image"
    undefined: str = "not defined for any image"

    @classmethod
    def of(
        cls, cases: NDArray[np.str_], labels: NDArray[np.int64], resampling: Resampling, **reasons: str
    ) -> CaseMeans:
        """Draw the resamples; there may be no image.

        Parameters
        ----------
        labels
            [N] class indices, by which the draws are stratified.
        reasons
            `empty` and `undefined`, see the attributes.
        """
        weights = np.zeros((resampling.resamples, 0))
        if len(labels):
            weights = resampling.weights(cases, labels).astype(np.float64)
        return cls(weights, cases, resampling.confidence, **reasons)

    def counts(self, members: Members) -> dict[str, int]:
        """Return the number of images and of cases of a group ([N])."""
        return {"n": int(members.sum()), "cases": int(np.unique(self.cases[members]).size)}

    def means(self, names: Sequence[str], scores: Floats, members: Members) -> dict[str, dict[str, Any]]:
        """Return the entry of each of M scores ([N, M])."""
        return {name: self.entry(scores[:, column], members) for column, name in enumerate(names)}

    def entry(self, values: Floats, members: Members) -> dict[str, Any]:
        """Return ``{"value", "low", "high", "n", "reason"}``: the mean over the `n` members whose value is not NaN."""
        used = members & ~np.isnan(values)
        entry: dict[str, Any] = {"value": None, "low": None, "high": None, "n": int(used.sum()), "reason": None}
        if not used.any():
            return {**entry, "reason": self.undefined if members.any() else self.empty}
        entry["value"] = float(values[used].mean())
        if np.unique(self.cases[used]).size == 1:
            return {**entry, "reason": "all images are of one case: no interval"}
        if np.ptp(values[used]) == 0:
            return {**entry, "reason": "all images have the same value: a bootstrap cannot show its spread"}
        drawn = self.weights @ used
        sums = self.weights @ np.where(used, values, 0.0)
        samples = np.divide(sums, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
        low, high = percentile_interval(samples, self.confidence)
        if np.isnan(low):
            return {**entry, "reason": "missing from too many resamples for an interval"}
        return {**entry, "low": float(low), "high": float(high)}


def mean_where_defined(drawn: Floats) -> Floats:
    """Return the mean over the first axis without NaN; NaN where there is nothing else."""
    defined = ~np.isnan(drawn)
    counted = defined.sum(axis=0)
    sums = np.where(defined, drawn, 0.0).sum(axis=0)
    return np.asarray(np.divide(sums, counted, out=np.full(sums.shape, np.nan), where=counted > 0))
