from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.augmentation import augment_intensity, augment_mask, augment_picture, random_affine, shrinking

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
    np.testing.assert_array_equal(augment_intensity(noise, options(), np.random.default_rng(0)), noise)


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


def test_brightness_stays_in_its_range_and_contrast_leaves_an_even_picture_alone() -> None:
    even = np.full((8, 8), 100, np.uint8)
    generator = np.random.default_rng(0)
    values = [int(augment_intensity(even, options(brightness=0.2, contrast=0.5), generator)[0, 0]) for _ in range(300)]
    assert 80 <= min(values) < 83
    assert 117 < max(values) <= 120


def test_contrast_spreads_about_the_mean() -> None:
    halves = np.repeat(np.array([[50, 150]], np.uint8), 4, axis=0)  # mean 100
    generator = np.random.default_rng(0)
    pairs = np.array([augment_intensity(halves, options(contrast=0.2), generator)[0] for _ in range(300)]).astype(int)
    assert np.abs(pairs.sum(axis=1) - 200).max() <= 1
    spread = (pairs[:, 1] - pairs[:, 0]) / 100
    assert 0.8 <= spread.min() < 0.83
    assert 1.17 < spread.max() <= 1.2


def test_intensities_stop_at_black_and_white_instead_of_wrapping_round() -> None:
    halves = np.repeat(np.array([[0, 255]], np.uint8), 4, axis=0)
    generator = np.random.default_rng(0)
    for _ in range(100):
        dark, bright = augment_intensity(halves, options(brightness=0.9, contrast=0.9), generator)[0].astype(int)
        assert 0 <= dark <= bright <= 255
    unchanged = options(brightness=0.5)
    assert all((augment_intensity(halves, unchanged, generator)[:, 0] == 0).tolist() for _ in range(20))
