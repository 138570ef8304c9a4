"""A polygon to the pixels whose centres lie in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

_CROSSINGS = 2**22  # of edges with rows that are worked out at a time, to bound the memory


def fill_polygon(polygon: FloatArray, height: int, width: int) -> NDArray[np.bool_]:
    """Return [height, width]: pixel centres inside by the even-odd rule.

    cv2.fillPoly also paints the line around a polygon, half a pixel too wide on every side: at 256 x 256 it enlarges
    the median BTXRD lesion by 9% and one in ten by more than 37%. Counting centres leaves the area unchanged.

    Parameters
    ----------
    polygon
        Corners [P, 2] as x, y in pixels; (0, 0) is the outer corner of the first pixel. One that covers no centre
        sets the pixel in which the mean of its corners falls, where that lies in the target.
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first, stop = (np.ceil(y - 0.5).clip(0, height).astype(np.intp) for y in (low, high))
    flips = np.zeros((height, width + 1), dtype=np.uint8)  # only odd or even counts, so 8 bits may run over
    step = max(1, _CROSSINGS // max(height, 1))  # a hostile outline may cross every row with every edge
    for block in (slice(i, i + step) for i in range(0, len(start), step)):
        row, edge = _crossed_rows(first[block], stop[block])
        (x0, y0), (x1, y1) = start[block][edge].T, end[block][edge].T
        crossing = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        column = np.ceil(crossing - 0.5).clip(0, width).astype(np.intp)
        np.add.at(flips, (row, column), np.uint8(1))
    inside: NDArray[np.bool_] = flips.cumsum(axis=1, dtype=np.uint8)[:, :width] % 2 == 1
    if not inside.any():
        x, y = polygon.mean(axis=0)
        if 0 <= x <= width and 0 <= y <= height:
            inside[min(int(y), height - 1), min(int(x), width - 1)] = True
    return inside


def _crossed_rows(first: Indices, stop: Indices) -> tuple[Indices, Indices]:
    """Return every row whose centre an edge crosses, `first` to before `stop`, and the edge."""
    counts = stop - first
    edge = np.repeat(np.arange(len(counts)), counts)
    since = np.arange(len(edge)) - np.repeat(counts.cumsum() - counts, counts)
    return first[edge] + since, edge
