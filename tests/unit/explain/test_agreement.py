from __future__ import annotations

import numpy as np
import pytest
from map_examples import four_images, square

from osteolens.domain import AREA_BANDS
from osteolens.explain.agreement import score_maps
from osteolens.explain.cell_map import CellMap


def test_rows_are_sorted_and_scored_against_both_masks():
    agreement = four_images(perfect=7, elsewhere=2, zero=5, large=9)
    assert agreement.rows.tolist() == [2, 5, 7, 9]
    assert agreement.resolution == (20, 20)
    assert agreement.zero.tolist() == [False, True, False, False]
    iou = agreement.names.index("iou_0.5")
    assert agreement.outline[:, iou].tolist() == [0, 0, 1, 1]
    assert agreement.all_shapes[:, iou].tolist() == pytest.approx([16 / 400, 0, 4 / 400, 100 / 400])


def test_size_bands():
    names = list(AREA_BANDS)
    assert [names[band] for band in four_images(perfect=7, elsewhere=2, zero=5, large=9).bands] == [
        "3-10%",
        "0.1-0.3%",
        "1-3%",
        "10% and over",
    ]


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
