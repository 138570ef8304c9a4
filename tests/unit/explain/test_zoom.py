from __future__ import annotations

import numpy as np
import pytest

from osteolens.explain.zoom import lesion_window


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Return 160 rows of 240 pixels with lesions at (top, left, height, width)."""
    made = np.zeros((160, 240), np.uint8)
    for top, left, height, width in boxes:
        made[top : top + height, left : left + width] = 1
    return made


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((80, 120, 10, 20), (55, 115, 100, 160)),  # 60 pixels, three times the longer side, around row 85, column 130
        ((80, 120, 2, 2), (66, 96, 106, 136)),  # no less than an eighth of 240 pixels
        ((0, 238, 2, 2), (0, 30, 210, 240)),  # moved into the picture
        ((80, 20, 1, 200), (0, 160, 40, 200)),  # no more than the picture has
    ],
)
def test_the_window_is_a_square_around_the_lesion(box: tuple[int, int, int, int], window: tuple[int, ...]) -> None:
    found = lesion_window(mask(box))
    assert found is not None
    rows, columns = found
    assert (rows.start, rows.stop, columns.start, columns.stop) == window


def test_of_several_lesions_the_largest_is_enlarged() -> None:
    both = lesion_window(mask((10, 10, 3, 3), (80, 120, 10, 20)))
    assert both == lesion_window(mask((80, 120, 10, 20)))


def test_large_lesions_and_none_have_no_window() -> None:
    assert lesion_window(mask((40, 40, 16, 24))) is not None  # 1%
    assert lesion_window(mask((40, 40, 16, 25))) is None
    assert lesion_window(mask()) is None
