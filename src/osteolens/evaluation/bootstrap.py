"""Confidence intervals: a stratified bootstrap of cases with percentile limits.

Images of one case are not independent, so whole cases are drawn with replacement, each with all its images: the
cluster bootstrap (Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The draws are
stratified by class, so that a rare class cannot vanish from a resample. The limits are percentiles of the resampled
values (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def case_strata(cases: NDArray[np.str_], labels: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Put each case in the stratum of the rarest class among its images.

    Parameters
    ----------
    cases, labels
        [N] case id and class index of each image.

    Returns
    -------
    tuple
        [N] index of each image's case in the sorted case ids, and [C] stratum of each case, counted from 0. The rarer
        of two classes is the one with fewer images, of equals the one with the higher index.
    """
    case_of_image = np.unique(cases, return_inverse=True)[1]
    counts = np.bincount(labels)
    commonest_first = np.lexsort((np.arange(counts.size), -counts))
    rarity = np.empty(counts.size, dtype=np.int64)
    rarity[commonest_first] = np.arange(counts.size)
    rarest = np.full(case_of_image.max() + 1, -1, dtype=np.int64)
    np.maximum.at(rarest, case_of_image, rarity[labels])
    return case_of_image, np.unique(rarest, return_inverse=True)[1]


def bootstrap_weights(
    cases: NDArray[np.str_], labels: NDArray[np.int64], resamples: int, generator: np.random.Generator
) -> NDArray[np.int32]:
    """Draw cases with replacement, in each stratum as many as it has.

    Parameters
    ----------
    cases, labels
        [N] case id and class index of each image; see :func:`case_strata` for the stratum of a case.
    resamples
        Number of resamples, B.

    Returns
    -------
    ndarray
        [B, N] how often each image is in each resample; the images of one case share their count. The rarest class
        is in every resample, and so is every class that has a case of its own stratum. The draws follow the sorted
        case ids, not the order of the rows.
    """
    case_of_image, stratum_of_case = case_strata(cases, labels)
    return np.take(draw_cases(stratum_of_case, resamples, generator), case_of_image, axis=1)


def draw_cases(stratum_of_case: NDArray[np.intp], resamples: int, generator: np.random.Generator) -> NDArray[np.int32]:
    """Return [B, C] how often each case is drawn, for [C] strata counted from 0; see :func:`bootstrap_weights`."""
    drawn = np.empty((resamples, stratum_of_case.size), dtype=np.int32)
    for stratum in range(stratum_of_case.max() + 1):
        members = np.flatnonzero(stratum_of_case == stratum)
        draws = generator.integers(members.size, size=(resamples, members.size))
        draws += members.size * np.arange(resamples)[:, None]  # one run of bins per resample
        counts = np.bincount(draws.ravel(), minlength=resamples * members.size)
        drawn[:, members] = counts.reshape(resamples, members.size)
    return drawn


def enough_defined(samples: NDArray[np.float64], confidence: float) -> NDArray[np.bool_]:
    """Say for [B, ...] resampled values whether few enough are NaN: no more than ``1 - confidence`` of all.

    Were there more, those left out could fill both tails.
    """
    return np.isnan(samples).mean(axis=0) <= 1 - confidence


def percentile_interval(
    samples: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper limit of resampled values.

    Parameters
    ----------
    samples
        [B, ...] resampled values; NaN where a resample leaves the metric undefined.
    confidence
        Level of the interval, 0 to 1.

    Returns
    -------
    tuple
        Two arrays of shape [...]. Undefined resamples are left out; where they are too many the limits are NaN, see
        :func:`enough_defined`.
    """
    flat = samples.reshape(len(samples), -1)
    trusted = enough_defined(flat, confidence)
    limits = np.full((2, flat.shape[1]), np.nan)
    tail = (1 - confidence) / 2
    if trusted.any():
        limits[:, trusted] = np.nanquantile(flat[:, trusted], (tail, 1 - tail), axis=0)
    low, high = limits.reshape(2, *samples.shape[1:])
    return low, high
