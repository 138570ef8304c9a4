"""Small maps to the size of a picture, bilinear.

The cells of a map and the picture's pixels are joined by a scale and a shift along each axis. Without a shift the cells
divide the network's input evenly, pixel edges (not centres) aligned; most networks look somewhere else
(:mod:`osteolens.models.receptive_field`). Interpolation along each axis is a matrix, exact for any scale, also for maps
cut out of a letterbox.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteolens.data.preprocessing import input_transform
from osteolens.domain import Preprocessing


Shift = tuple[float, float]


def upsample(maps: NDArray[np.float32], height: int, width: int, *, shift: Shift = (0.0, 0.0)) -> NDArray[np.float32]:
    """Stretch maps [..., h, w] to [..., height, width].

    Parameters
    ----------
    shift
        Cells by which the map lies down and to the right of an even division; without one the result is that of
        torch's bilinear with ``align_corners=False``. Beyond the outer cells their values are held.
    """
    h, w = maps.shape[-2:]
    rows = _interpolation(height, h, h / height, -shift[0])
    columns = _interpolation(width, w, w / width, -shift[1])
    return (rows @ maps @ columns.T).astype(np.float32)


def onto_picture(
    maps: NDArray[np.float32], height: int, width: int, record: Preprocessing, *, shift: Shift = (0.0, 0.0)
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
    shift
        See :func:`upsample`.

    Returns
    -------
    ndarray
        [..., height, width]
    """
    h, w = maps.shape[-2:]
    to_input = input_transform(height, width, record)
    rows = _interpolation(height, h, to_input[1, 1] * h / record.size, to_input[1, 2] * h / record.size - shift[0])
    columns = _interpolation(width, w, to_input[0, 0] * w / record.size, to_input[0, 2] * w / record.size - shift[1])
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
