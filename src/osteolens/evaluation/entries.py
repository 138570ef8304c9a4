"""How one figure stands in a JSON file: its value, the limits of its interval, and a reason for what is missing."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.bca import NO_SPREAD, bca_interval
from osteolens.evaluation.bootstrap import enough_defined, percentile_interval
from osteolens.evaluation.metrics import Floats

NO_WIDTH = "the resamples do not differ: no interval"


def entry(value: float, low: float = math.nan, high: float = math.nan, reason: str | None = None) -> dict[str, Any]:
    """Return ``{"value", "low", "high", "reason"}`` with None for NaN, since JSON has no word for it."""
    numbers = {"value": value, "low": low, "high": high}
    return {name: None if math.isnan(number) else float(number) for name, number in numbers.items()} | {
        "reason": reason
    }


def resampled_entry(
    value: float, samples: Floats, confidence: float, *, acceleration: float | None = None, note: str | None = None
) -> dict[str, Any]:
    """Return a figure with the interval of its resampled values.

    Parameters
    ----------
    samples
        [B] values in the resamples of :func:`osteolens.evaluation.bootstrap.bootstrap_weights`, NaN where undefined.
        Where they are all the same there is no interval: one case drawn again and again says nothing about the next.
    acceleration
        See :func:`osteolens.evaluation.bca.acceleration`; None for percentile limits.
    note
        What the reader must know of the value; the reason begins with it.

    Returns
    -------
    dict
        An entry with ``method`` besides: ``bca``, ``percentile``, or None without an interval. The reason tells of
        undefined resamples, and why an interval is missing.
    """
    undefined = np.isnan(samples)
    missing = f"undefined in {np.count_nonzero(undefined)} of {samples.size} resamples"
    low, high, method = math.nan, math.nan, None
    reason: str | None = f"{missing}, too many for an interval"
    if enough_defined(samples, confidence):
        reason = NO_WIDTH
        if np.ptp(samples[~undefined]) >= NO_SPREAD:
            low, high, method = _limits(value, samples, confidence, acceleration)
            reason = f"{missing}, which are left out" if undefined.any() else None
    told = "; ".join(part for part in (note, reason) if part) or None
    return entry(value, low, high, told) | {"method": method}


def share_entry(hits: NDArray[np.bool_], cases: NDArray[np.str_], confidence: float) -> dict[str, Any]:
    """Return the share of images that are hits, with Wilson's interval on the number of cases.

    Parameters
    ----------
    hits, cases
        [N] whether an image counts, and its case id.

    Returns
    -------
    dict
        An entry with ``n`` (images) and ``cases`` besides.

    Notes
    -----
    Shares near 0 and 1 are the rule here (coverage, high sensitivity, bins of a reliability diagram). There the
    percentiles of a bootstrap shrink to no width and cover too rarely; Wilson's score interval (1927; Brown, Cai &
    DasGupta 2001) does not. Images of a case are not independent, so n is Kish's effective number
    ``(sum m)^2 / sum m^2`` over the case sizes m: the interval is right when the images of a case always agree and
    wider than needed when they do not.
    """
    sizes = np.unique(cases, return_counts=True)[1]
    counted = {"n": len(hits), "cases": int(sizes.size)}
    if not len(hits):
        return entry(math.nan, reason="no image") | counted
    share, z = float(np.mean(hits)), NormalDist().inv_cdf((1 + confidence) / 2)
    number = float(sizes.sum() ** 2 / np.sum(sizes**2))
    shrink = 1 + z**2 / number
    middle = (share + z**2 / (2 * number)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return entry(share, min(low, share), max(high, share)) | counted  # rounding alone could part them at 0 and 1


def _limits(
    value: float, samples: Floats, confidence: float, acceleration: float | None
) -> tuple[float, float, Literal["percentile", "bca"]]:
    if acceleration is None:
        low, high = percentile_interval(samples, confidence)
        return float(low), float(high), "percentile"
    low, high, used = bca_interval(np.asarray(value), samples, np.asarray(acceleration), confidence)
    return float(low), float(high), "bca" if used else "percentile"
