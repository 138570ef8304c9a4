"""Small maps to the size of a picture, bilinear.

The cells of a map and the picture's pixels are joined by a scale and a shift along each axis. Without them the cells
divide the network's input evenly, pixel edges (not centres) aligned; most networks look somewhere else
(:mod:`osteolens.models.receptive_field`). Interpolation along each axis is a matrix, exact for any scale, also for maps
cut out of a letterbox.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteolens.data.preprocessing import input_transform
from osteolens.domain import Preprocessing

Pair = tuple[float, float]  # down and right


def upsample(
    maps: NDArray[np.float32], height: int, width: int, *, shift: Pair = (0.0, 0.0), across: Pair | None = None
) -> NDArray[np.float32]:
    """Stretch maps [..., h, w] to [..., height, width].

    Parameters
    ----------
    shift
        Cells by which the map lies down and to the right of cells that begin at the edge of the input.
    across
        How many cells fit into the input's height and width; None for h and w. With neither the result is that of
        torch's bilinear with ``align_corners=False``. Beyond the outer cells their values are held.
    """
    h, w = maps.shape[-2:]
    down, right = across or (h, w)
    rows = _interpolation(height, h, down / height, -shift[0])
    columns = _interpolation(width, w, right / width, -shift[1])
    return (rows @ maps @ columns.T).astype(np.float32)


def onto_picture(
    maps: NDArray[np.float32],
    height: int,
    width: int,
    record: Preprocessing,
    *,
    shift: Pair = (0.0, 0.0),
    across: Pair | None = None,
) -> NDArray[np.float32]:
    """Lay maps of the network's input onto the picture the input was made from.

    Parameters
    ----------
    maps
        [..., h, w] over the whole input, padding included.
    height, width
        Size of the original picture in pixels.
    record
        How the picture became the input; the padding of a letterbox is cut off.
    shift, across
        See :func:`upsample`.

    Returns
    -------
    ndarray
        [..., height, width]
    """
    h, w = maps.shape[-2:]
    down, right = ((cells / record.size) for cells in across or (h, w))
    to_input = input_transform(height, width, record)
    rows = _interpolation(height, h, to_input[1, 1] * down, to_input[1, 2] * down - shift[0])
    columns = _interpolation(width, w, to_input[0, 0] * right, to_input[0, 2] * right - shift[1])
    return (rows @ maps @ columns.T).astype(np.float32)


def _interpolation(pixels: int, cells: int, scale: float, shift: float) -> NDArray[np.float32]:
    """Return [pixels, cells], rows summing to 1: the weight of each cell in the pixel at ``scale * x + shift``."""
    place = ((np.arange(pixels) + 0.5) * scale + shift - 0.5).clip(0, cells - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, cells - 1)
    matrix = np.zeros((pixels, cells), np.float32)
    every = np.arange(pixels)
    matrix[every, below] = 1 - (place - below)
    matrix[every, above] += place - below
    return matrix
