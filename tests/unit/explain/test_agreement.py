from __future__ import annotations

import numpy as np
import pytest

from osteolens.domain import AREA_BANDS
from osteolens.explain.agreement import MapAgreement, score_maps
from osteolens.explain.cell_map import CellMap


def square(top: int, left: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def four_images() -> MapAgreement:
    """Maps at mask size: perfect, elsewhere, zero, perfect; lesions of 1, 4, 0.25 and 25% of the area."""
    outline = {7: square(0, 0, 2), 2: square(4, 4, 4), 5: square(19, 19, 1), 9: square(5, 5, 10)}
    maps = {row: CellMap(mask.astype(np.float32)) for row, mask in outline.items()}
    maps[5] = CellMap(np.zeros((20, 20), np.float32))
    maps[2] = CellMap(square(12, 12, 4).astype(np.float32))
    all_shapes = {row: np.ones((20, 20), np.uint8) for row in outline}
    return score_maps(maps, outline, all_shapes, (0.3, 0.5))


def test_rows_are_sorted_and_scored_against_both_masks():
    agreement = four_images()
    assert agreement.rows.tolist() == [2, 5, 7, 9]
    assert agreement.resolution == (20, 20)
    assert agreement.zero.tolist() == [False, True, False, False]
    iou = agreement.names.index("iou_0.5")
    assert agreement.outline[:, iou].tolist() == [0, 0, 1, 1]
    assert agreement.all_shapes[:, iou].tolist() == pytest.approx([16 / 400, 0, 4 / 400, 100 / 400])


def test_size_bands():
    names = list(AREA_BANDS)
    assert [names[band] for band in four_images().bands] == ["3-10%", "0.1-0.3%", "1-3%", "10% and over"]


def test_each_iou_is_divided_by_the_ceiling_of_its_own_mask():
    """One cell is 1 or 0 everywhere, so nothing but the whole picture can be marked."""
    agreement = score_maps(
        {0: CellMap(np.ones((1, 1), np.float32))}, {0: square(0, 0, 5)}, {0: square(0, 0, 10)}, (0.5,)
    )
    assert [ceiling.iou for ceiling in agreement.ceilings] == [25 / 400]
    of_ceiling = agreement.names.index("of_ceiling_0.5")
    assert agreement.outline[0, of_ceiling] == 1
    assert agreement.all_shapes[0, agreement.names.index("ceiling")] == 100 / 400


def test_the_map_is_scored_where_its_cells_lie():
    maps = {0: CellMap(np.eye(4, dtype=np.float32)[:1].repeat(4, axis=0), shift=(0.0, 2.0))}
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:12] = 1
    agreement = score_maps(maps, {0: mask}, {0: mask}, (0.5,))
    # Two cells further right the first column's centre lies at pixel 10; beyond the outer cells values are held.
    by_name = dict(zip(agreement.names, agreement.outline[0].tolist(), strict=True))
    assert by_name["iou_0.5"] == pytest.approx(4 / 12)


def test_no_annotated_image():
    agreement = score_maps({}, {}, {}, (0.5,))
    assert (len(agreement.rows), len(agreement.zero), agreement.resolution) == (0, 0, None)
