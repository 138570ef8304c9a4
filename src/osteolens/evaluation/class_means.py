"""The interval of a mean over the classes, put together from the intervals of the classes.

A bootstrap of cases knows only the spread that it sees: three malignant images that are all found are all found in
every resample, and a mean over the classes would be as certain as if a million had been found. Each class has an
interval that holds such a chance, and the method of variance estimates recovery (Zou & Donner, Statistics in Medicine
2008) adds them up: with classes k of figure p, limits l to u and correlations r, the mean of K reaches

    sqrt(sum over j, k of r[j, k] (p[j] - l[j]) (p[k] - l[k])) / K

below its value, and with u - p in place of p - l above it.
"""

from __future__ import annotations

import math

import numpy as np

from osteolens.evaluation.bca import NO_SPREAD
from osteolens.evaluation.metrics import Floats

FEWEST_WHOLE = 30  # resamples; a correlation of fewer is off by 0.2 and more


def mean_interval(values: Floats, lows: Floats, highs: Floats, correlations: Floats) -> tuple[float, float]:
    """Return the limits of the mean of K figures.

    Parameters
    ----------
    values, lows, highs
        [K] figures and their limits, all at one level of confidence.
    correlations
        [K, K], see :func:`class_correlations`.
    """
    middle, classes = float(values.mean()), len(values)
    below, above = (
        math.sqrt(max(0.0, float(reach @ correlations @ reach))) / classes for reach in (values - lows, highs - values)
    )
    return middle - below, middle + above


def class_correlations(samples: Floats, unknown: float) -> Floats:
    """Return how the figures of the classes vary together.

    Parameters
    ----------
    samples
        [B, K] resampled figures; resamples in which one is NaN are left out, and where fewer than FEWEST_WHOLE remain,
        as for the precision of a class that is hardly ever predicted, `unknown` stands for all classes.
    unknown
        Correlation of a class that is the same in all resamples with the others: 0 where the classes rest on different
        images, 1 where they share images, which gives the widest interval.

    Returns
    -------
    ndarray
        [K, K]
    """
    whole = samples[~np.isnan(samples).any(axis=1)]
    if len(whole) < FEWEST_WHOLE:
        whole = np.zeros((1, samples.shape[1]))
    centred = whole - whole.mean(axis=0)
    varies = np.ptp(whole, axis=0) >= NO_SPREAD
    scaled = centred / np.where(varies, np.sqrt((centred**2).sum(axis=0)), 1.0)
    correlations: Floats = np.where(np.outer(varies, varies), scaled.T @ scaled, unknown)
    np.fill_diagonal(correlations, 1.0)
    return correlations
