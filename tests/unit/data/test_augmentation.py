from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.augmentation import augment_mask, augment_picture, is_hidden, random_affine, shrinking
from osteolens.data.masks import Box, LesionBox, lesion_boxes

Grey = NDArray[np.uint8]

NOTHING = {
    "horizontal_flip": 0.0,
    "rotation": 0.0,
    "scale": 0.0,
    "translation": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
}


def options(**changes: float) -> AugmentationOptions:
    return AugmentationOptions(**{**NOTHING, **changes})


def affines(count: int, size: int = 64, **changes: float) -> list[NDArray[np.float64]]:
    generator = np.random.default_rng(0)
    return [random_affine(size, size, options(**changes), generator) for _ in range(count)]


@pytest.fixture
def noise() -> Grey:
    return np.random.default_rng(1).integers(0, 256, (33, 33), dtype=np.uint8)


@pytest.fixture
def disc() -> Grey:
    """An off-centre disc, 0 and 1."""
    y, x = np.mgrid[:128, :128]
    return ((x - 40) ** 2 + (y - 70) ** 2 < 30**2).astype(np.uint8)


def test_without_options_nothing_changes(noise: Grey) -> None:
    (affine,) = affines(1, size=33)
    np.testing.assert_allclose(affine, [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    np.testing.assert_array_equal(augment_picture(noise, affine, 33), noise)
    np.testing.assert_array_equal(augment_mask(noise, affine, 33), noise)


@pytest.mark.parametrize("size", [32, 33])
def test_a_certain_flip_mirrors_left_and_right_exactly(noise: Grey, size: int) -> None:
    picture = np.ascontiguousarray(noise[:size, :size])
    (affine,) = affines(1, size=size, horizontal_flip=1.0)
    np.testing.assert_array_equal(augment_picture(picture, affine, size), picture[:, ::-1])
    np.testing.assert_array_equal(augment_mask(picture, affine, size), picture[:, ::-1])


def test_the_same_generator_gives_the_same_map_and_another_does_not() -> None:
    defaults = AugmentationOptions()
    one, same, other = (random_affine(64, 64, defaults, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_flips_come_as_often_as_asked() -> None:
    flipped = [np.linalg.det(affine[:, :2]) < 0 for affine in affines(2000, horizontal_flip=0.3)]
    assert abs(np.mean(flipped) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 2000)  # four standard errors


def test_rotations_fill_their_range_in_both_directions() -> None:
    maps = np.array([affine[:, :2] for affine in affines(500, rotation=15.0)])
    np.testing.assert_allclose(np.linalg.det(maps), 1)
    angles = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert -15 <= angles.min() < -14
    assert 14 < angles.max() <= 15


def test_zooms_fill_their_range_in_both_directions() -> None:
    zooms = np.sqrt([np.linalg.det(affine[:, :2]) for affine in affines(500, scale=0.25)])
    assert 1 / 1.25 <= zooms.min() < 0.81
    assert 1.24 < zooms.max() <= 1.25


def test_shifts_fill_their_range_and_are_the_only_thing_that_moves_the_centre() -> None:
    shifts = np.array([affine @ [31.5, 31.5, 1] - 31.5 for affine in affines(500, translation=0.1)])
    assert -6.4 <= shifts.min() < -6
    assert 6 < shifts.max() <= 6.4
    for affine in affines(20, rotation=180.0, scale=0.5, horizontal_flip=0.5):
        np.testing.assert_allclose(affine @ [31.5, 31.5, 1], [31.5, 31.5])


def test_a_picture_moves_where_the_map_says() -> None:
    picture = np.zeros((32, 32), np.uint8)
    picture[10, 4] = 200
    moved = augment_picture(picture, np.array([[1.0, 0, 7], [0, 1, 3]]), 32)
    assert moved[13, 11] == 200
    assert moved.sum() == 200
    quarter_turn = np.array([[0.0, -1, 31], [1, 0, 0]])  # x' = 31 - y, y' = x
    assert augment_picture(picture, quarter_turn, 32)[4, 21] == 200


def test_shrinking_keeps_edges_on_edges() -> None:
    to_input = shrinking(256, 160)
    # pixel edges lie half a pixel beside the centres: -0.5 and 255.5 must become -0.5 and 159.5
    np.testing.assert_allclose(to_input @ [-0.5, 255.5, 1], [-0.5, 159.5])


def test_a_move_composed_with_shrinking_is_the_shrinking_followed_by_the_move() -> None:
    changes = {"horizontal_flip": 0.5, "rotation": 30.0, "scale": 0.3, "translation": 0.1}
    one_map = random_affine(256, 160, options(**changes), np.random.default_rng(4))
    move = random_affine(160, 160, options(**changes), np.random.default_rng(4))
    for point in ([0.0, 0.0], [255.0, 10.0], [80.0, 200.0]):
        shrunk = shrinking(256, 160) @ [*point, 1]
        np.testing.assert_allclose(one_map @ [*point, 1], move @ [*shrunk, 1])


def test_a_rotated_picture_from_the_base_is_as_sharp_as_the_untouched_input() -> None:
    grain = cv2.GaussianBlur(np.random.default_rng(0).normal(128, 60, (256, 256)), (0, 0), 1.0)
    base = np.clip(grain, 0, 255).astype(np.uint8)

    def sharpness(picture: Grey) -> float:
        return float(cv2.Laplacian(picture[20:-20, 20:-20].astype(np.float32), cv2.CV_32F).var())

    untouched = cv2.resize(base, (160, 160), interpolation=cv2.INTER_LINEAR)
    generator = np.random.default_rng(1)
    draws = [random_affine(256, 160, options(rotation=15.0), generator) for _ in range(20)]
    from_base = np.median([sharpness(augment_picture(base, draw, 160)) for draw in draws])
    draws = [random_affine(160, 160, options(rotation=15.0), generator) for _ in range(20)]
    twice = np.median([sharpness(augment_picture(untouched, draw, 160)) for draw in draws])
    assert 0.85 < from_base / sharpness(untouched) < 1.15
    assert twice / sharpness(untouched) < 0.75  # what supersampling is for


def test_what_comes_from_outside_is_black() -> None:
    moved = augment_picture(np.full((32, 32), 255, np.uint8), np.array([[1.0, 0, 10], [0, 1, 0]]), 32)
    assert not moved[:, :10].any()
    assert (moved[:, 10:] == 255).all()


def test_the_mask_moves_with_the_picture(disc: Grey) -> None:
    for affine in affines(20, size=128, horizontal_flip=0.5, rotation=30.0, scale=0.2, translation=0.05):
        mask = augment_mask(disc, affine, 128)
        assert set(np.unique(mask)) == {0, 1}
        assert set(np.unique(augment_mask(disc * np.uint8(9), affine, 128))) == {0, 9}  # no value in between
        lesion = augment_picture(disc * np.uint8(255), affine, 128) > 127
        overlap = (lesion & (mask == 1)).sum() / (lesion | (mask == 1)).sum()
        assert overlap > 0.97


def test_a_certain_vertical_flip_mirrors_top_and_bottom_exactly(noise: Grey) -> None:
    (affine,) = affines(1, size=33, vertical_flip=1.0)
    np.testing.assert_array_equal(augment_picture(noise, affine, 33), noise[::-1])


def test_vertical_flips_come_as_often_as_asked() -> None:
    flipped = [affine[1, 1] < 0 for affine in affines(2000, vertical_flip=0.2)]
    assert abs(np.mean(flipped) - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 2000)  # four standard errors


def test_a_switch_that_is_off_leaves_the_other_draws_alone() -> None:
    defaults = AugmentationOptions()
    one, same = np.random.default_rng(5), np.random.default_rng(5)
    random_affine(64, 64, defaults, one)
    same.random(), same.uniform(size=4)  # flip; angle, zoom and the two shifts
    assert one.random() == same.random()


def test_zooming_in_fills_its_range_and_shows_nothing_from_outside() -> None:
    zooms = []
    for affine in affines(300, zoom_in=1.0):
        zoom = affine[0, 0]
        corners = (np.array([[-0.5, -0.5], [63.5, 63.5]]) - affine[:, 2]) / zoom  # of the view, in the picture
        assert corners.min() >= -0.5 - 1e-9
        assert corners.max() <= 63.5 + 1e-9
        zooms.append(zoom)
    assert 1 <= min(zooms) < 1.02
    assert 1.95 < max(zooms) <= 2


def test_zooming_in_reaches_every_part_of_the_picture() -> None:
    centres = np.array([(31.5 - affine[:, 2]) / affine[0, 0] for affine in affines(500, zoom_in=1.0)])
    assert (centres.min(axis=0) < 20).all()  # a view of half the side has its centre at 15.5 to 47.5
    assert (centres.max(axis=0) > 43).all()
    assert np.abs(centres.mean(axis=0) - 31.5).max() < 1.5


@pytest.mark.parametrize("lesion", [Box(2, 3, 8, 9), Box(56, 30, 64, 40), Box(0, 60, 2, 64)])
def test_zooming_in_keeps_the_centre_of_the_lesion_in_view(lesion: Box) -> None:
    changes = {"horizontal_flip": 0.5, "rotation": 15.0, "scale": 0.15, "translation": 0.05, "vertical_flip": 0.5}
    generator = np.random.default_rng(2)
    x, y = (lesion.left + lesion.right - 1) / 2, (lesion.top + lesion.bottom - 1) / 2
    place = LesionBox(lesion, (x, y))
    seen = np.array(
        [random_affine(64, 40, options(zoom_in=1.5, **changes), generator, place) @ [x, y, 1] for _ in range(300)]
    )
    assert seen.min() >= 0
    assert seen.max() <= 39
    assert seen.std(axis=0).min() > 4  # not always in the middle


def test_zooming_in_keeps_one_of_several_lesions_in_view_and_hides_all_of_them() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[5:13, 5:13] = mask[80:95, 82:97] = 1  # nothing in the middle of the box around both
    place = lesion_boxes({0: mask})[0]
    generator, hidden = np.random.default_rng(4), 0
    for _ in range(200):
        shown = random_affine(100, 64, options(zoom_in=4.0, rotation=15.0), generator, place)
        assert augment_mask(mask, shown, 64).any()
        hiding = random_affine(100, 64, options(zoom_in=4.0, rotation=15.0), generator, place, hide=True)
        hidden += is_hidden(place.around.moved(hiding), 64)
        assert not (is_hidden(place.around.moved(hiding), 64) and augment_mask(mask, hiding, 64).any())
    assert hidden < 200


def test_a_box_moves_with_its_map() -> None:
    box = Box(2, 4, 6, 10)
    assert box.moved(np.array([[1.0, 0, 7], [0, 1, 3]])) == Box(9, 7, 13, 13)
    assert box.moved(np.array([[-1.0, 0, 31], [0, 1, 0]])) == Box(26, 4, 30, 10)  # mirrored in 32 columns
    assert box.moved(shrinking(32, 16)) == Box(1, 2, 3, 5)
    assert box.moved(np.array([[0.0, -1, 31], [1, 0, 0]])) == Box(22, 2, 28, 6)  # a quarter turn


def test_boxes_overlap_when_they_share_an_area() -> None:
    box = Box(2, 4, 6, 10)
    assert box.overlaps(Box(5.5, 9.5, 20, 20))
    assert box.overlaps(Box(0, 0, 20, 20))
    assert not box.overlaps(Box(6, 4, 8, 10))  # side by side
    assert not box.overlaps(Box(3, 11, 5, 12))


def test_the_mask_covers_a_drawn_square_to_within_a_pixel_after_all_moves() -> None:
    changes = {"horizontal_flip": 0.5, "vertical_flip": 0.5, "rotation": 30.0, "scale": 0.2, "translation": 0.05}
    square = np.zeros((205, 205), np.uint8)
    square[60:100, 110:150] = 1
    box = Box(110, 60, 150, 100)
    generator = np.random.default_rng(3)
    cross = np.ones((3, 3), np.uint8)
    for _ in range(30):
        affine = random_affine(205, 128, options(zoom_in=0.5, **changes), generator, LesionBox(box, (129.5, 79.5)))
        seen = (augment_picture(square * np.uint8(255), affine, 128) > 127).astype(np.uint8)
        mask = augment_mask(square, affine, 128)
        assert mask.any()
        assert not (mask & ~cv2.dilate(seen, cross)).any()
        assert not (seen & ~cv2.dilate(mask, cross)).any()
        rows, columns = np.nonzero(mask)
        around = box.moved(affine)
        assert around.left - 1 <= columns.min()
        assert columns.max() + 1 <= around.right + 1
        assert around.top - 1 <= rows.min()
        assert rows.max() + 1 <= around.bottom + 1
