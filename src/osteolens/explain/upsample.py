"""Small maps to the size of a picture, bilinear.

The cells of a map divide the network's input evenly, pixel edges (not centres) aligned, unless they are shifted;
docs/decisions/2026-11-22-even-cells.md says why. Interpolation along each axis is a matrix, exact for any scale, also
for maps cut out of a letterbox.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteolens.data.preprocessing import input_transform
from osteolens.domain import Preprocessing

Pair = tuple[float, float]  # down and right


def upsample(maps: NDArray[np.float32], height: int, width: int, *, shift: Pair = (0.0, 0.0)) -> NDArray[np.float32]:
    """Stretch maps [..., h, w] to [..., height, width].

    Parameters
    ----------
    shift
        Cells by which the map lies down and to the right of an even division of the input. Without it the result is
        that of torch's bilinear with ``align_corners=False``. Beyond the outer cells their values are held.
    """
    h, w = maps.shape[-2:]
    rows = interpolation(height, h, h / height, -shift[0])
    columns = interpolation(width, w, w / width, -shift[1])
    return (rows @ maps @ columns.T).astype(np.float32)


def onto_picture(
    maps: NDArray[np.float32],
    height: int,
    width: int,
    record: Preprocessing,
    *,
    shift: Pair = (0.0, 0.0),
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
    down, right = h / record.size, w / record.size
    to_input = input_transform(height, width, record)
    rows = interpolation(height, h, to_input[1, 1] * down, to_input[1, 2] * down - shift[0])
    columns = interpolation(width, w, to_input[0, 0] * right, to_input[0, 2] * right - shift[1])
    return (rows @ maps @ columns.T).astype(np.float32)


def interpolation(pixels: int, cells: int, scale: float, shift: float) -> NDArray[np.float32]:
    """Return [pixels, cells], rows summing to 1: the weight of each cell in the pixel at ``scale * x + shift``."""
    place = ((np.arange(pixels) + 0.5) * scale + shift - 0.5).clip(0, cells - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, cells - 1)
    matrix = np.zeros((pixels, cells), np.float32)
    every = np.arange(pixels)
    matrix[every, below] = 1 - (place - below)
    matrix[every, above] += place - below
    return matrix
