"""What the resolution of a map allows.

A perfect map of a network's cells holds in each cell the share of the cell that the lesion covers; a pixel belongs to
the cell whose centre is nearest. Enlarged like any other map and cut at its best threshold it reaches the lesion's
*ceiling*. It is what a map that knows the lesion would score, not a strict bound: cells tuned to one outline score more
(in the mean .55 instead of .41 with 8 x 8 cells and 40 lesions of BTXRD), since where an interpolated map crosses a
threshold can be steered between the cells. An interpolated map is highest at the centre of a cell, so its strongest
point can miss a lesion that lies between the centres: the pointing game has a ceiling too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from osteolens.explain.cell_map import CellMap
from osteolens.explain.scores import Ceiling, best_iou, pointing_game


def ceiling(mask: NDArray[np.uint8], like: CellMap) -> Ceiling:
    """Return what the perfect map of a lesion reaches.

    Parameters
    ----------
    mask
        [H, W] over the whole input, not 0 in the lesion.
    like
        A map whose cells are taken.
    """
    perfect = cell_means((mask > 0).astype(np.float32), like).enlarged(*mask.shape)
    return Ceiling(best_iou(perfect, mask), pointing_game(perfect, mask))


def cell_means(picture: NDArray[np.float32], like: CellMap) -> CellMap:
    """Return the mean of a picture over each cell of a map.

    Parameters
    ----------
    picture
        [H, W] over the whole input.
    like
        A map whose cells are taken. A cell that is nearest to no pixel gets 0.
    """
    height, width = picture.shape
    h, w = like.values.shape
    rows = _members(replace(like, values=np.eye(h, dtype=np.float32)[:, :, None]).enlarged(height, 1)[:, :, 0])
    columns = _members(replace(like, values=np.eye(w, dtype=np.float32)[:, None, :]).enlarged(1, width)[:, 0, :])
    counted = np.outer(rows.sum(axis=1), columns.sum(axis=1))
    sums = rows @ picture @ columns.T
    means = np.divide(sums, counted, out=np.zeros_like(sums), where=counted > 0)
    return replace(like, values=means.astype(np.float32))


def _members(shown: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return [cells, pixels] 1 for the cell that shows most in a pixel, which is the nearest one, else 0."""
    members = np.zeros(shown.shape)
    members[shown.argmax(axis=0), np.arange(shown.shape[1])] = 1
    return members
