"""Outlines and LabelMe records of masks whose shape is known."""

from __future__ import annotations

import numpy as np

from osteolens.data.phantom.annotation import annotate, lesion_polygons


def mask_with(*blocks: tuple[slice, slice]) -> np.ndarray:
    mask = np.zeros((40, 50), dtype=bool)
    for block in blocks:
        mask[block] = True
    return mask


def test_a_block_is_outlined_by_its_four_corners() -> None:
    (polygon,) = lesion_polygons(mask_with((slice(10, 21), slice(5, 31))))
    assert sorted(map(tuple, polygon)) == [(5, 10), (5, 20), (30, 10), (30, 20)]


def test_pieces_come_largest_first_and_specks_are_left_out() -> None:
    mask = mask_with((slice(2, 8), slice(2, 8)), (slice(15, 35), slice(15, 35)), (slice(38, 40), slice(45, 47)))
    polygons = lesion_polygons(mask)
    assert [tuple(polygon.min(0)) for polygon in polygons] == [(15, 15), (2, 2)]


def test_a_lonely_speck_still_gets_an_outline() -> None:
    (polygon,) = lesion_polygons(mask_with((slice(7, 8), slice(9, 10))))
    assert len(polygon) == 4
    assert tuple(polygon.min(0)) == (9, 7)


def test_an_empty_mask_has_no_outline() -> None:
    assert lesion_polygons(mask_with()) == []


def test_box_stays_inside_the_picture() -> None:
    corner = np.array([(0, 0), (49, 0), (49, 39), (0, 39)], dtype=np.float64)
    record = annotate("a.jpeg", (40, 50), [("other bt", corner)], np.random.default_rng(0))
    box, outline = record["shapes"]
    assert box["points"] == [[0.0, 0.0], [49.0, 39.0]]
    assert outline["points"] == corner.tolist()
