"""Maps and masks of four images, whose scores can be worked out by hand."""

from __future__ import annotations

import numpy as np

from osteolens.explain.agreement import MapAgreement, score_maps
from osteolens.explain.cell_map import CellMap


def square(top: int, left: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def four_images(perfect: int, elsewhere: int, zero: int, large: int) -> MapAgreement:
    """Score maps at mask size, perfect, elsewhere, zero and perfect; lesions of 1, 4, 0.25 and 25% of the area.

    The arguments are the rows of the images in a table; the union of everything drawn is the whole picture.
    """
    outline = {
        perfect: square(0, 0, 2),
        elsewhere: square(4, 4, 4),
        zero: square(19, 19, 1),
        large: square(5, 5, 10),
    }
    maps = {row: CellMap(mask.astype(np.float32)) for row, mask in outline.items()}
    maps[zero] = CellMap(np.zeros((20, 20), np.float32))
    maps[elsewhere] = CellMap(square(12, 12, 4).astype(np.float32))
    return score_maps(maps, outline, {row: np.ones((20, 20), np.uint8) for row in outline}, (0.3, 0.5))
