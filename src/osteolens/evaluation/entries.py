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


def effective_cases(cases: NDArray[np.str_]) -> float:
    """Return Kish's effective number ``(sum m)^2 / sum m^2`` over the case sizes m, 0 without an image.

    Images of a case are not independent, and a large case outweighs the others: 30 images of one case and one of each
    of nine others are worth 1.6 cases, not 10.

    Parameters
    ----------
    cases
        [N] case id of each image.
    """
    sizes = np.unique(cases, return_counts=True)[1]
    return float(sizes.sum() ** 2 / np.sum(sizes**2)) if sizes.size else 0.0


def wilson_limits(share: float, number: float, confidence: float) -> tuple[float, float]:
    """Return the limits of Wilson's score interval (1927) for a share of `number` independent observations."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    shrink = 1 + z**2 / number
    middle = (share + z**2 / (2 * number)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    # rounding alone could part the limits from a share of 0 or 1
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def share_entry(hits: NDArray[np.bool_], cases: NDArray[np.str_], confidence: float) -> dict[str, Any]:
    """Return the share of images that are hits, with Wilson's interval on the effective number of cases.

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
    percentiles of a bootstrap shrink to no width and cover too rarely; Wilson's interval (Brown, Cai & DasGupta 2001)
    does not. With :func:`effective_cases` for its n it supposes that the images of a case always agree, and is wider
    than needed when they do not.
    """
    counted = {"n": len(hits), "cases": int(np.unique(cases).size)}
    if not len(hits):
        return entry(math.nan, reason="no image") | counted
    share = float(np.mean(hits))
    return entry(share, *wilson_limits(share, effective_cases(cases), confidence)) | counted


def case_mean_entry(hits: NDArray[np.bool_], cases: NDArray[np.str_], confidence: float) -> dict[str, Any]:
    """Return the share of images that are hits, each case counted once, with Wilson's interval on their number.

    It is what to expect of one image drawn evenly from a case. A share of 0 to 1 per case varies by mean (1 - mean) at
    most, which is what Wilson's interval supposes; where the images of a case differ it is wider than needed.

    Parameters
    ----------
    hits, cases
        [N] whether an image counts, and its case id.
    """
    if not len(hits):
        return entry(math.nan, reason="no image")
    case_of_image = np.unique(cases, return_inverse=True)[1]
    shares = np.bincount(case_of_image, weights=hits) / np.bincount(case_of_image)
    mean = float(shares.mean())
    return entry(mean, *wilson_limits(mean, shares.size, confidence))


def _limits(
    value: float, samples: Floats, confidence: float, acceleration: float | None
) -> tuple[float, float, Literal["percentile", "bca"]]:
    if acceleration is None:
        low, high = percentile_interval(samples, confidence)
        return float(low), float(high), "percentile"
    low, high, used = bca_interval(np.asarray(value), samples, np.asarray(acceleration), confidence)
    return float(low), float(high), "bca" if used else "percentile"
