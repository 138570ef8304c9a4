from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import load_config
from osteolens.data.background import exposed_body
from osteolens.data.images import read_grey
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import Preprocessing

Grey = NDArray[np.uint8]
SIDE, MARGIN = 100, 4  # the margin is 4% of the side


def limb(top: int = 0, bottom: int = SIDE) -> Grey:
    """A limb of 30 columns, 80 to 200 bright, in air of 20."""
    picture = np.full((SIDE, SIDE), 20, np.uint8)
    picture[top:bottom, 35:65] = 80
    picture[top:bottom, 45:55] = 200
    return picture


def test_the_body_is_the_limb_with_its_margin() -> None:
    body = exposed_body(limb())
    assert body.dtype == np.bool_
    assert body[:, 35 - MARGIN : 65 + MARGIN].all()
    assert not body[:, : 35 - MARGIN - 2].any()  # smoothing adds one pixel on either side
    assert not body[:, 65 + MARGIN + 2 :].any()


def test_letters_and_plates_that_stand_apart_are_outside() -> None:
    picture = limb()
    cv2.putText(picture, "R", (5, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 2)
    picture[80:88, 80:92] = 130
    assert not exposed_body(picture)[:, :25].any()
    assert not exposed_body(picture)[:, 75:].any()


def test_a_small_piece_belongs_to_the_body_near_it_and_not_apart_from_it() -> None:
    near, apart = limb(), limb()
    near[50:54, 66:70] = 200
    apart[50:54, 76:80] = 200
    assert exposed_body(near)[50:54, 66:70].all()
    assert not exposed_body(apart)[50:54, 74:].any()


def test_a_large_second_part_is_kept() -> None:
    picture = limb()
    picture[:, 85:95] = 90
    assert exposed_body(picture)[:, 85:95].all()


def test_a_dark_hole_in_the_body_is_body() -> None:
    picture = limb()
    cv2.circle(picture, (50, 50), 8, 0, cv2.FILLED)
    assert exposed_body(picture)[:, 35:65].all()


@pytest.mark.parametrize("value", [0, 12, 128, 240, 255])
def test_an_even_picture_is_all_body(value: int) -> None:
    assert exposed_body(np.full((40, 60), value, np.uint8)).all()


def test_a_light_page_around_the_picture_is_outside_and_print_on_it_too() -> None:
    picture = np.full((SIDE, SIDE), 250, np.uint8)
    picture[10:92, 8:95] = limb()[10:92, 8:95]
    picture[4:6, 20:24] = 0  # print: 4 of the 100 pixels of two rows
    body = exposed_body(picture)
    assert body[10:92, 35:65].all()
    for outside in (body[:10], body[92:], body[:, :8], body[:, 95:]):
        assert not outside.any()


def test_a_light_page_inside_black_bars_is_outside() -> None:
    page = np.full((SIDE, 60), 250, np.uint8)
    page[10:90] = limb()[10:90, 20:80]
    picture = np.pad(page, ((0, 0), (20, 20)))  # as letterboxing leaves it
    body = exposed_body(picture)
    assert body[10:90, 35:65].all()
    assert not body[:10].any()
    assert not body[90:].any()


def test_a_dark_line_with_a_bright_finger_tip_in_it_is_no_frame() -> None:
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[50:, 35:65] = 80
    picture[1:50, 48:52] = 120  # four of 100 pixels
    assert exposed_body(picture)[1:, 48:52].all()


def test_a_light_half_is_no_frame() -> None:
    picture = limb()
    picture[:, 50:] = 250
    assert exposed_body(picture)[:, 50:].all()


@pytest.mark.real_data
def test_no_outlined_lesion_of_btxrd_is_blanked(btxrd256: Path) -> None:
    data = load_radiographs(load_config(None, [f"data.root={btxrd256}"]).data)
    ids = data.frame["image_id"].tolist()[::4]
    masks = lesion_masks(data, ids, Preprocessing(256, resize="stretch"))
    assert len(masks) > 400
    lost = {row: mask[~exposed_body(read_grey(data.path(ids[row])))].sum() for row, mask in masks.items()}
    assert sum(lost.values()) < 0.001 * sum(int(mask.sum()) for mask in masks.values())
    assert not [ids[row] for row, count in lost.items() if count > 0.01 * masks[row].sum()]
