"""Bias-corrected and accelerated (BCa) limits: percentiles shifted for bias and for a spread that varies.

The limits are those of Efron, Better bootstrap confidence intervals, JASA 1987. The bias is read from the share of
resampled values below the value itself, the acceleration from a jackknife that leaves out one case at a time, for a
bootstrap in strata the one of Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 5.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from osteolens.evaluation.bootstrap import case_strata, percentile_interval
from osteolens.evaluation.metrics import Floats, Integers, compute_metrics

NO_SPREAD = 1e-12  # values this near to each other are equal but for rounding
LEFT_OUT_CELLS = 1 << 22  # cases left out x images held at once: bounds the memory


def jackknife_metrics(labels: Integers, probabilities: Floats, cases: NDArray[np.str_]) -> dict[str, Floats]:
    """Return every metric with each case left out in turn.

    Parameters
    ----------
    labels, probabilities, cases
        [N] class index, [N, K] and [N] case id of each image.

    Returns
    -------
    dict
        As of :func:`compute_metrics`, one row for each of the sorted case ids. The other cases of the stratum weigh
        n / (n - 1), so that the stratum keeps its share, as it does in a resample.
    """
    case_of_image, stratum_of_case = case_strata(cases, labels)
    sizes = np.bincount(stratum_of_case)
    stand_in = sizes / np.maximum(sizes - 1, 1)
    step = max(1, LEFT_OUT_CELLS // len(labels))
    blocks = []
    for start in range(0, stratum_of_case.size, step):
        left_out = np.arange(start, min(start + step, stratum_of_case.size))[:, None]
        stratum = stratum_of_case[left_out]
        weights = np.where(stratum == stratum_of_case[case_of_image], stand_in[stratum], 1.0)
        weights[left_out == case_of_image] = 0.0
        blocks.append(compute_metrics(labels, probabilities, weights))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def acceleration(left_out: Floats, stratum_of_case: NDArray[np.intp]) -> Floats:
    """Return a sixth of the skewness of the cases' influence on a metric.

    Parameters
    ----------
    left_out
        [C, ...] the metric without each case, see :func:`jackknife_metrics`.
    stratum_of_case
        [C], see :func:`case_strata`. A stratum of one case has no influence, since it is in every resample.

    Returns
    -------
    ndarray
        [...]; NaN where the metric is undefined without some case, or where no case makes a difference.
    """
    squares, cubes = np.zeros(left_out.shape[1:]), np.zeros(left_out.shape[1:])
    for stratum, size in enumerate(np.bincount(stratum_of_case)):
        if size < 2:
            continue
        values = left_out[stratum_of_case == stratum]
        influence = (values.mean(axis=0) - values) * (size - 1) / size
        squares += (influence**2).sum(axis=0)
        cubes += (influence**3).sum(axis=0)
    skewed = squares > NO_SPREAD**2  # false for NaN too
    return np.where(skewed, cubes / (6 * np.where(skewed, squares, 1.0) ** 1.5), np.nan)


def bca_interval(
    values: Floats, samples: Floats, accelerations: Floats, confidence: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return BCa limits, or percentile limits where BCa is undefined.

    BCa is undefined where all resampled values lie on one side of the value, where there is no acceleration, and
    where the acceleration is so great that a shifted level has no meaning.

    Parameters
    ----------
    values, accelerations
        [...] the metric on the images as they are, and see :func:`acceleration`.
    samples
        [B, ...] resampled values; undefined ones are left out as by :func:`percentile_interval`.
    confidence
        Level of the interval, 0 to 1.

    Returns
    -------
    tuple
        Lower limit, upper limit, and whether they are BCa limits; each [...].
    """
    low, high = percentile_interval(samples, confidence)
    defined = np.count_nonzero(~np.isnan(samples), axis=0)
    # a share of equal values counts half, as in a mid-rank: metrics of few images take few values
    below = 0.5 * (np.count_nonzero(samples < values, axis=0) + np.count_nonzero(samples <= values, axis=0))
    bias = ndtri(below / np.maximum(defined, 1))
    usable = np.isfinite(low) & np.isfinite(bias) & np.isfinite(accelerations)
    bias, skew = np.where(usable, bias, 0.0), np.where(usable, accelerations, 0.0)
    shifted = bias + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2])).reshape(2, *[1] * low.ndim)
    stretch = 1 - skew * shifted
    usable &= (stretch > 0).all(axis=0)
    levels = ndtr(bias + shifted / np.where(usable, stretch, 1.0))
    limits = np.where(usable, _quantiles(samples, defined, levels), np.stack([low, high]))
    return limits[0], limits[1], usable


def _quantiles(samples: Floats, defined: Integers, levels: Floats) -> Floats:
    """Return [L, ...] quantiles of the first `defined` sorted values of each column, each at its own level."""
    ordered = np.sort(samples, axis=0)  # NaN last
    place = levels * np.maximum(defined - 1, 0)
    before = np.floor(place).astype(np.intp)
    after = np.minimum(before + 1, np.maximum(defined - 1, 0))
    lower, upper = (np.take_along_axis(ordered, rows, axis=0) for rows in (before, after))
    return lower + (place - before) * (upper - lower)
