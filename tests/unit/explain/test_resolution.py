from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from osteolens.explain.cell_map import CellMap
from osteolens.explain.resolution import ceiling, cell_means
from osteolens.explain.upsample import upsample


def cells(h: int, w: int, **place) -> CellMap:
    return CellMap(np.zeros((h, w), np.float32), **place)


def test_means_over_cells_that_divide_the_input():
    picture = np.arange(24, dtype=np.float32).reshape(4, 6)
    means = cell_means(picture, cells(2, 3)).values
    np.testing.assert_allclose(means, [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])


def test_a_pixel_belongs_to_the_nearest_cell_of_a_map_that_lies_aside():
    """Four cells over 16 pixels, a quarter of a cell further down: their centres are 2.5, 6.5, 10.5 and 14.5."""
    column = np.arange(16, dtype=np.float32)[:, None]
    means = cell_means(column, cells(4, 1, shift=(0.25, 0.0))).values[:, 0]
    np.testing.assert_allclose(means, [np.mean(range(5)), 6.5, 10.5, np.mean([13, 14, 15])])


def test_a_cell_without_a_pixel_is_zero():
    means = cell_means(np.ones((8, 2), np.float32), cells(4, 1, shift=(1.5, 0.0))).values[:, 0]
    np.testing.assert_allclose(means, [1, 1, 1, 0])


def test_where_the_cells_lie_is_kept():
    like = cells(2, 2, shift=(0.3, -0.2))
    assert cell_means(np.ones((8, 8), np.float32), like).shift == (0.3, -0.2)


def test_a_map_as_fine_as_the_mask_can_be_perfect():
    mask = (np.random.default_rng(0).random((9, 9)) < 0.3).astype(np.uint8)
    assert ceiling(mask, cells(9, 9)).iou == 1


def test_the_ceiling_by_hand():
    """A lesion of the left half of the right one of two cells.

    The cells hold 0 and 1/2. Enlarged to 8 pixels they rise from the third to the sixth and stay: any threshold that
    the lesion's first pixel reaches takes the whole cell (4 pixels, 2 of the lesion) or, lower, more.
    """
    mask = np.zeros((1, 8), np.uint8)
    mask[0, 4:6] = 1
    enlarged = upsample(np.array([[0, 0.5]], np.float32), 1, 8)[0]
    shares = [((enlarged >= t) & (mask[0] > 0)).sum() / ((enlarged >= t) | (mask[0] > 0)).sum() for t in enlarged]
    assert max(shares) == 0.5
    assert ceiling(mask, cells(1, 2)).iou == 0.5


@pytest.mark.parametrize("radius", [4, 9, 20])
def test_the_ceiling_is_that_of_averaging_and_interpolating_by_other_libraries(radius):
    mask = np.zeros((96, 96), np.uint8)
    cv2.circle(mask, (41, 50), radius, 1, -1)
    averaged = cv2.resize(mask.astype(np.float64), (6, 6), interpolation=cv2.INTER_AREA)
    enlarged = torch.nn.functional.interpolate(
        torch.from_numpy(averaged)[None, None], size=(96, 96), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    thresholds = np.quantile(enlarged[mask > 0], np.linspace(0, 1, 200))
    best = max(jaccard_score(mask.ravel(), enlarged.ravel() >= threshold) for threshold in thresholds)
    assert ceiling(mask, cells(6, 6)).iou == pytest.approx(best, abs=0.01)


def test_only_the_cells_of_the_other_map_count():
    mask = np.zeros((16, 16), np.uint8)
    mask[2:7, 3:9] = 1
    like = cells(4, 4, shift=(0.1, 0.2))
    filled = replace(like, values=np.ones((4, 4), np.float32))
    assert ceiling(mask, like) == ceiling(mask, filled)


def test_a_lesion_at_the_edge_of_a_cell_cannot_be_pointed_at():
    """The second of four cells over 16 pixels has its centre at 5.5: pixels 5 and 6 are the highest."""
    mask = np.zeros((16, 16), np.uint8)
    mask[7, 5:7] = 1
    assert ceiling(mask, cells(4, 4)).pointing_game == 0
    mask[4:8, 4:8] = 1
    assert ceiling(mask, cells(4, 4)).pointing_game == 1
