from __future__ import annotations

import numpy as np
import pytest

from osteolens.domain import Preprocessing
from osteolens.explain.cell_map import CellMap


def test_parts_know_where_they_lie():
    maps = CellMap(np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), (0.5, -0.5))
    part = maps[1, 2]
    np.testing.assert_array_equal(part.values, [[20, 21], [22, 23]])
    assert part.shift == (0.5, -0.5)
    np.testing.assert_array_equal(part.enlarged(9, 8), maps.enlarged(9, 8)[1, 2])


def test_a_map_is_zero_only_without_any_evidence():
    assert CellMap(np.zeros((2, 2), np.float32)).is_zero
    assert not CellMap(np.array([[0.0, 1e-6]], np.float32)).is_zero


def test_without_a_shift_cells_divide_the_input_evenly():
    """Two cells over 64 pixels: their centres are 15.5 and 47.5, so the middle is the mean of both."""
    heat = CellMap(np.array([[0.0, 1.0]], np.float32)).enlarged(1, 64)[0]
    assert (heat[15] + heat[16], heat[31] + heat[32], heat[47] + heat[48]) == pytest.approx((1 / 64, 1, 2 - 1 / 64))


def test_on_a_picture_of_another_size_it_lies_where_it_does_over_the_input():
    """The input shows 512 x 256 pixels in its middle columns, at half their size."""
    heat = np.zeros((8, 8), np.float32)
    heat[4, 3] = 1  # over pixels 143.5 down and 111.5 right of the input
    onto = CellMap(heat).onto(512, 256, Preprocessing(size=256, resize="letterbox"))
    down, right = (float((onto.sum(1 - axis) * np.arange(onto.shape[axis])).sum() / onto.sum()) for axis in range(2))
    assert (down, right) == pytest.approx((143.5 * 2 + 0.5, (111.5 - 64) * 2 + 0.5), abs=0.1)
