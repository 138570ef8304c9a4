"""How well one map agrees with one lesion mask.

* IoU of the places where the map reaches a share of its maximum, against the lesion.
* Pointing game (Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018): is the maximum in the
  lesion?
* Energy (Wang et al., "Score-CAM", CVPR workshops 2020): the share of the map's sum that lies in the lesion; and its
  ratio to the lesion's share of the area, which is 1 for a map without any preference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from osteolens.errors import EvaluationError

CENTRE_DEVIATION = 0.25  # standard deviation of the centre prior as a share of the side
_TIE = 1 - 1e-6  # interpolation leaves equal maxima unequal in the last digit


def score_names(thresholds: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the scores, in the order of :func:`map_scores`."""
    return (
        *(f"iou_{threshold:g}" for threshold in thresholds),
        "pointing_game",
        "energy",
        "area_share",
        "energy_ratio",
    )


def map_scores(heat: NDArray[np.float32], mask: NDArray[np.uint8], thresholds: Sequence[float]) -> NDArray[np.float64]:
    """Score one map.

    Parameters
    ----------
    heat
        [H, W], not negative, on the grid of the mask.
    mask
        [H, W], not 0 in the lesion.
    thresholds
        Shares of the map's maximum, 0 to 1.

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
    lesion = mask > 0
    if lesion.shape != heat.shape or not lesion.any():
        raise EvaluationError(
            f"a map {heat.shape} cannot be scored against a mask {lesion.shape} of {lesion.sum()} px."
        )
    area_share = float(lesion.mean())
    highest = float(heat.max())
    if highest <= 0:
        return np.array([*(0.0 for _ in thresholds), 0.0, np.nan, area_share, np.nan])
    ious = []
    for threshold in thresholds:
        marked = heat >= threshold * highest
        ious.append(float((marked & lesion).sum() / (marked | lesion).sum()))
    pointing = float(lesion[heat >= _TIE * highest].mean())
    energy = float(heat[lesion].sum(dtype=np.float64) / heat.sum(dtype=np.float64))
    return np.array([*ious, pointing, energy, area_share, energy / area_share])


def centre_prior(height: int, width: int) -> NDArray[np.float32]:
    """Return the map of one who looks at the middle of every picture: a Gaussian [height, width], maximum near 1."""
    y = ((np.arange(height) + 0.5) / height - 0.5) / CENTRE_DEVIATION
    x = ((np.arange(width) + 0.5) / width - 0.5) / CENTRE_DEVIATION
    return np.exp(-0.5 * (y[:, None] ** 2 + x[None, :] ** 2)).astype(np.float32)
