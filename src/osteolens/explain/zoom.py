"""Which part of a picture shows a small lesion large."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LARGEST = 0.01  # share of the picture that all lesions cover; larger ones are seen without
AROUND = 3  # sides of the lesion that the window is wide: what lies around it belongs to the picture
STRONGEST_ZOOM = 8  # the picture's longer side is so many windows wide; more would show its pixels, not bone

Window = tuple[slice, slice]


def lesion_window(mask: NDArray[np.uint8]) -> Window | None:
    """Return the rows and columns of a square around the largest lesion of a mask, 0/1 [H, W].

    None where lesions cover more than :data:`LARGEST` of the picture, or nothing.
    """
    if not 0 < np.count_nonzero(mask) <= LARGEST * mask.size:
        return None
    _, _, facts, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    lesions = facts[1:]  # without the background
    largest = lesions[lesions[:, cv2.CC_STAT_AREA].argmax()]
    left, top, width, height = (int(value) for value in largest[: cv2.CC_STAT_AREA])
    side = max(AROUND * max(width, height), -(-max(mask.shape) // STRONGEST_ZOOM))
    side = min(side, *mask.shape)
    return _around(top, height, side, mask.shape[0]), _around(left, width, side, mask.shape[1])


def _around(start: int, length: int, side: int, limit: int) -> slice:
    """Return `side` pixels with the lesion's `length` pixels in their middle, moved into 0 to `limit`."""
    first = min(max(0, start + length // 2 - side // 2), limit - side)
    return slice(first, first + side)
