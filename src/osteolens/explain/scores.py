"""How well one map agrees with one lesion mask.

* IoU of the places where the map reaches a share of its maximum, against the lesion.
* Pointing game (Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018): is the maximum in the
  lesion?
* Average precision of the map as a score of pixels, those of the lesion being the positive ones: no threshold, and for
  a map without any preference the lesion's share of the area.
* Energy (Wang et al., "Score-CAM", CVPR workshops 2020): the share of the map's sum that lies in the lesion; and its
  ratio to the lesion's share of the area, which is 1 for a map without any preference.

Beside the IoU and the pointing game stand the ceilings that the map's resolution sets, and the IoU as a share of its
own (:mod:`osteolens.explain.resolution`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from osteolens.errors import EvaluationError

Heat = NDArray[np.float32]

CENTRE_DEVIATION = 0.25  # standard deviation of the centre prior as a share of the side
_TIE = 1 - 1e-6  # interpolation leaves equal maxima unequal in the last digit


class Ceiling(NamedTuple):
    """What a map of some resolution that knows the lesion reaches, see :mod:`osteolens.explain.resolution`.

    Attributes
    ----------
    iou
        Above 0 to 1, at its best threshold.
    pointing_game
        0 to 1.
    """

    iou: float
    pointing_game: float


def score_names(thresholds: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the scores, in the order of :func:`map_scores`."""
    return (
        *(f"iou_{threshold:g}" for threshold in thresholds),
        "ceiling",
        *(f"of_ceiling_{threshold:g}" for threshold in thresholds),
        "average_precision",
        "pointing_game",
        "pointing_ceiling",
        "energy",
        "area_share",
        "energy_ratio",
    )


def map_scores(
    heat: Heat, mask: NDArray[np.uint8], thresholds: Sequence[float], *, ceiling: Ceiling
) -> NDArray[np.float64]:
    """Score one map.

    Parameters
    ----------
    heat
        [H, W], not negative, on the grid of the mask.
    mask
        [H, W], not 0 in the lesion.
    thresholds
        Shares of the map's maximum, 0 to 1.
    ceiling
        What the resolution of the network's map allows.

    Returns
    -------
    ndarray
        One value per name of :func:`score_names`. Maxima at several places share the point of the pointing game. A map
        that is 0 everywhere marks nothing, so its IoU and its pointing game are 0; its energy is NaN.

    Raises
    ------
    EvaluationError
        The mask holds no lesion, or its shape is not the map's.
    """
    lesion = _lesion(heat, mask)
    area_share = float(lesion.mean())
    precision = average_precision(heat, mask)
    highest = float(heat.max())
    if highest <= 0:
        nothing = [0.0 for _ in thresholds]
        return np.array(
            [*nothing, ceiling.iou, *nothing, precision, 0.0, ceiling.pointing_game, np.nan, area_share, np.nan]
        )
    ious = []
    for threshold in thresholds:
        marked = heat >= threshold * highest
        ious.append(float((marked & lesion).sum() / (marked | lesion).sum()))
    of_ceiling = [iou / ceiling.iou for iou in ious]
    pointing = (pointing_game(heat, mask), ceiling.pointing_game)
    energy = float(heat[lesion].sum(dtype=np.float64) / heat.sum(dtype=np.float64))
    return np.array([*ious, ceiling.iou, *of_ceiling, precision, *pointing, energy, area_share, energy / area_share])


def pointing_game(heat: Heat, mask: NDArray[np.uint8]) -> float:
    """Return the share of the places where a map that is not 0 is highest that lies in the lesion."""
    return float(_lesion(heat, mask)[heat >= _TIE * heat.max()].mean())


def average_precision(heat: Heat, mask: NDArray[np.uint8]) -> float:
    """Return the step sum of the precision-recall curve of the pixels; parameters as in :func:`map_scores`."""
    hits, marked = _counts(heat, _lesion(heat, mask))
    return float((-np.diff(hits, append=0) * hits / marked).sum() / hits[0])


def best_iou(heat: Heat, mask: NDArray[np.uint8]) -> float:
    """Return the IoU at the threshold that suits the map best; parameters as in :func:`map_scores`."""
    hits, marked = _counts(heat, _lesion(heat, mask))
    return float((hits / (marked + hits[0] - hits)).max())


def _counts(heat: Heat, lesion: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many pixels of the lesion, and of all, reach each value that the map takes in the lesion, ascending.

    Between two of these values a higher threshold only leaves out pixels beside the lesion.
    """
    inside = np.sort(heat[lesion])
    values, first = np.unique(inside, return_index=True)
    marked = heat.size - np.searchsorted(np.sort(heat, axis=None), values, side="left")
    return inside.size - first.astype(np.int64), marked.astype(np.int64)


def _lesion(heat: Heat, mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    lesion = mask > 0
    if lesion.shape != heat.shape or not lesion.any():
        raise EvaluationError(
            f"a map {heat.shape} cannot be scored against a mask {lesion.shape} of {lesion.sum()} px."
        )
    return lesion


def centre_prior(height: int, width: int) -> Heat:
    """Return the map of one who looks at the middle of every picture: a Gaussian [height, width], maximum near 1."""
    y = ((np.arange(height) + 0.5) / height - 0.5) / CENTRE_DEVIATION
    x = ((np.arange(width) + 0.5) / width - 0.5) / CENTRE_DEVIATION
    return np.exp(-0.5 * (y[:, None] ** 2 + x[None, :] ** 2)).astype(np.float32)
