"""Variance, interval and test of the area under the ROC curve without resampling, for images in cases.

The variance is that of DeLong, DeLong & Clarke-Pearson (Biometrics 1988) from the placements of each image among the
images of the other kind; sorting gives the placements in O(N log N), as in Sun & Xu (IEEE Signal Processing Letters
2014). Images of one case are summed first, which is Obuchowski's extension to clustered data (Biometrics 1997); with
one image per case it is DeLong's variance itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

from osteolens.evaluation.bca import NO_SPREAD
from osteolens.evaluation.metrics import Floats


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Area of a second score less that of a first; every figure is NaN where it is undefined.

    Attributes
    ----------
    difference, low, high
        -1 to 1, with the limits of the normal approximation.
    p_value
        Two-sided, of the hypothesis that the areas are equal.
    """

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class _Spread:
    """Areas of [M] scores and what their covariances consist of; NaN where undefined.

    Attributes
    ----------
    of_positives, of_negatives, of_mixed
        [M, M] from the positive images, from the negative ones, and from cases with images of both kinds.
    positive_cases, negative_cases
        Number of cases with images of each kind.
    """

    areas: Floats
    of_positives: Floats
    of_negatives: Floats
    of_mixed: Floats
    positive_cases: int
    negative_cases: int

    @classmethod
    def measure(cls, positive: NDArray[np.bool_], scores: Floats, cases: NDArray[np.str_]) -> _Spread:
        kinds = len(scores)
        unknown = np.full((kinds, kinds), np.nan)
        case_of_image = np.unique(cases, return_inverse=True)[1]
        counted = [np.unique(case_of_image[kind]).size for kind in (positive, ~positive)]
        if min(counted) == 0:
            return cls(np.full(kinds, np.nan), unknown, unknown, unknown, *counted)
        placements = np.array([_placements(positive, score) for score in scores])
        areas = placements[:, positive].mean(axis=1)
        if min(counted) < 2:
            return cls(areas, unknown, unknown, unknown, *counted)
        centred, total = placements - areas[:, None], int(case_of_image.max()) + 1
        # [M, C] sums over the positive and over the negative images of each case
        found, passed = (
            np.array([np.bincount(case_of_image, np.where(kind, row, 0.0), total) for row in centred])
            / np.count_nonzero(kind)
            for kind in (positive, ~positive)
        )
        mixed = found @ passed.T * total / (total - 1)  # 0 unless a case has images of both kinds
        of_positives, of_negatives = (
            sums @ sums.T * count / (count - 1) for sums, count in zip((found, passed), counted, strict=True)
        )
        return cls(areas, of_positives, of_negatives, mixed + mixed.T, *counted)

    @property
    def covariance(self) -> Floats:
        total: Floats = self.of_positives + self.of_negatives + self.of_mixed
        return total


def auc_covariance(positive: NDArray[np.bool_], scores: Floats, cases: NDArray[np.str_]) -> tuple[Floats, Floats]:
    """Return the areas of several scores on the same images and how they vary together.

    Parameters
    ----------
    positive, cases
        [N] whether the image belongs to the class, and its case id.
    scores
        [M, N], higher where the class is more likely.

    Returns
    -------
    tuple
        [M] areas, NaN without a positive or a negative image, and their [M, M] covariances, NaN where the positive or
        the negative images are of fewer than two cases.
    """
    spread = _Spread.measure(positive, scores, cases)
    return spread.areas, spread.covariance


def auc_interval(
    positive: NDArray[np.bool_], scores: Floats, cases: NDArray[np.str_], confidence: float
) -> tuple[float, float]:
    """Return limits that are symmetric on the logit scale, and so stay within 0 to 1 (Pepe 2003, section 5.2).

    Parameters
    ----------
    positive, scores, cases
        [N] whether the image belongs to the class, its score, its case id.
    confidence
        Level of the interval, 0 to 1.

    Returns
    -------
    tuple
        Lower and upper limit; NaN for an area of 0 or 1 and where the variance is undefined or 0.

    Notes
    -----
    The variance is itself estimated, of a rare class from few cases. The quantile is therefore that of Student's t,
    with the degrees of freedom that Brunner & Munzel (Biometrical Journal 2000) give for this statistic:
    ``(v + w)^2 / (v^2 / (I - 1) + w^2 / (J - 1))`` for the parts v and w of the variance that come from the I positive
    and from the J negative cases.
    """
    spread = _Spread.measure(positive, scores[None], cases)
    area, variance = spread.areas[0], spread.covariance[0, 0]
    if not (0 < area < 1 and variance > NO_SPREAD**2):  # false for NaN too
        return np.nan, np.nan
    of_positives, of_negatives = spread.of_positives[0, 0], spread.of_negatives[0, 0]
    uncertain = of_positives**2 / (spread.positive_cases - 1) + of_negatives**2 / (spread.negative_cases - 1)
    freedom = (of_positives + of_negatives) ** 2 / uncertain
    reach = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance) / (area * (1 - area))
    return float(expit(logit(area) - reach)), float(expit(logit(area) + reach))


def auc_difference(
    positive: NDArray[np.bool_], first: Floats, second: Floats, cases: NDArray[np.str_], confidence: float
) -> AucDifference:
    """Compare two scores of the same images.

    Parameters
    ----------
    positive, first, second, cases
        [N] whether the image belongs to the class, its two scores, its case id.
    confidence
        Level of the interval, 0 to 1.

    Returns
    -------
    AucDifference
        Limits and p-value are NaN where the difference has no variance, as for two scores of the same order.
    """
    areas, covariance = auc_covariance(positive, np.stack([first, second]), cases)
    difference = float(areas[1] - areas[0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if not variance > np.finfo(np.float64).eps * np.trace(covariance):  # rounding leaves less; true for NaN too
        return AucDifference(difference, np.nan, np.nan, np.nan)
    error = np.sqrt(variance)
    reach = ndtri((1 + confidence) / 2) * error
    p_value = 2 * ndtr(-abs(difference) / error)
    return AucDifference(difference, float(difference - reach), float(difference + reach), float(p_value))


def _placements(positive: NDArray[np.bool_], score: Floats) -> Floats:
    """Return [N] for a positive image the share of negatives below it, for a negative the share of positives above.

    Equal scores count half. Both kinds have the area under the curve as their mean.
    """
    placements = np.empty(len(score))
    for kind in (positive, ~positive):
        others = np.sort(score[~kind])
        below = np.searchsorted(others, score[kind], "left") + np.searchsorted(others, score[kind], "right")
        placements[kind] = below / (2 * others.size)
    placements[~positive] = 1 - placements[~positive]
    return placements
