from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.appearance import (
    add_noise,
    change_appearance,
    change_greys,
    change_resolution,
    change_sharpness,
    erase_rectangle,
)
from osteolens.data.masks import Box

Grey = NDArray[np.uint8]


def options(**changes: float) -> AugmentationOptions:
    """Return options of which only the named ones are on."""
    off = {**dict.fromkeys(AugmentationOptions.model_fields, 0.0), "low_resolution": 1.0}
    return AugmentationOptions(**{**off, **changes})


@pytest.fixture
def grain() -> Grey:
    return np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)


class Fixed(np.random.Generator):
    """A generator whose uniform draws are given."""

    def __init__(self, *draws: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.draws = list(draws)

    def random(self, *_: object, **__: object) -> float:  # type: ignore[override]
        return self.draws.pop(0)

    def uniform(self, low: float = 0, high: float = 1) -> float:  # type: ignore[override]
        return low + (high - low) * self.draws.pop(0)


def test_without_options_nothing_changes(grain: Grey) -> None:
    np.testing.assert_array_equal(change_appearance(grain, options(), np.random.default_rng(0)), grain)


def test_the_defaults_change_brightness_and_contrast_only(grain: Grey) -> None:
    defaults = AugmentationOptions()
    one = change_appearance(grain, defaults, np.random.default_rng(5))
    np.testing.assert_array_equal(one, change_greys(grain, defaults, np.random.default_rng(5)))


def test_brightness_stays_in_its_range_and_contrast_leaves_an_even_picture_alone() -> None:
    even = np.full((8, 8), 100, np.uint8)
    generator = np.random.default_rng(0)
    values = [int(change_greys(even, options(brightness=0.2, contrast=0.5), generator)[0, 0]) for _ in range(300)]
    assert 80 <= min(values) < 83
    assert 117 < max(values) <= 120


def test_contrast_spreads_about_the_mean() -> None:
    halves = np.repeat(np.array([[50, 150]], np.uint8), 4, axis=0)  # mean 100
    generator = np.random.default_rng(0)
    pairs = np.array([change_greys(halves, options(contrast=0.2), generator)[0] for _ in range(300)]).astype(int)
    assert np.abs(pairs.sum(axis=1) - 200).max() <= 1
    spread = (pairs[:, 1] - pairs[:, 0]) / 100
    assert 0.8 <= spread.min() < 0.83
    assert 1.17 < spread.max() <= 1.2


def test_grey_values_stop_at_black_and_white_instead_of_wrapping_round() -> None:
    halves = np.repeat(np.array([[0, 255]], np.uint8), 4, axis=0)
    generator = np.random.default_rng(0)
    for _ in range(100):
        changed = change_greys(halves, options(brightness=0.9, contrast=0.9, gamma=2), generator)
        dark, bright = changed[0].astype(int)
        assert 0 <= dark <= bright <= 255
    unchanged = options(brightness=0.5)
    assert all((change_greys(halves, unchanged, generator)[:, 0] == 0).tolist() for _ in range(20))


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (1.0, [0, 1, 64, 255]),  # exponent 2: 16²/255 = 1.004, 128²/255 = 64.25
        (0.0, [0, 64, 181, 255]),  # exponent 1/2: sqrt(16 * 255) = 63.87, sqrt(128 * 255) = 180.67
        (0.5, [0, 16, 128, 255]),  # exponent 1
    ],
)
def test_gamma_by_hand(draw: float, expected: list[int]) -> None:
    picture = np.array([[0, 16, 128, 255]], np.uint8)
    assert change_greys(picture, options(gamma=1.0), Fixed(0.5, 0.5, draw)).tolist() == [expected]


def test_brightness_contrast_and_gamma_are_one_table_in_this_order() -> None:
    picture = np.array([[50, 150]], np.uint8)  # mean 100
    # contrast 1.2: 40, 160; brightness 1.5: 60, 240; squared: 60²/255 = 14.1, 240²/255 = 225.9
    all_up = options(brightness=0.5, contrast=0.2, gamma=1.0)
    assert change_greys(picture, all_up, Fixed(1.0, 1.0, 1.0)).tolist() == [[14, 226]]


def test_a_low_resolution_picture_holds_the_means_of_blocks() -> None:
    columns = np.tile(np.array([0, 200], np.uint8), (16, 8))
    even = change_resolution(columns, 2.0, Fixed(0.4, 1.0))  # factor 2
    assert set(even.ravel()) == {100}
    np.testing.assert_array_equal(change_resolution(columns, 2.0, Fixed(0.5)), columns)
    halves = np.zeros((4, 8), np.uint8)
    halves[:, 4:] = 200
    row = change_resolution(halves, 2.0, Fixed(0.0, 1.0))[0]
    assert row.tolist() == [0, 0, 0, 50, 150, 200, 200, 200]  # bilinear between the means 0, 0, 200, 200


def test_every_other_picture_is_of_low_resolution(grain: Grey) -> None:
    generator = np.random.default_rng(0)
    changed = [not np.array_equal(change_resolution(grain, 4.0, generator), grain) for _ in range(400)]
    assert abs(np.mean(changed) - 0.5) < 4 * 0.5 / math.sqrt(400)  # four standard errors


@pytest.mark.parametrize(("draw", "amount"), [(1.0, 0.5), (0.0, -0.5), (0.5, 0.0)])
def test_sharpness_by_hand(draw: float, amount: float) -> None:
    picture = np.full((15, 15), 50, np.uint8)
    picture[7, 7] = 150
    weights = [math.exp(-(d**2) / 2) for d in range(-3, 4)]  # a Gaussian of one pixel, cut off at three
    peak, beside = weights[3] / sum(weights), weights[4] / sum(weights)
    changed = change_sharpness(picture, 0.5, Fixed(draw)).astype(float)
    assert changed[7, 7] == pytest.approx(150 + amount * 100 * (1 - peak**2), abs=1)
    assert changed[7, 8] == pytest.approx(50 - amount * 100 * peak * beside, abs=1)
    assert changed[0, 0] == 50


def test_noise_has_the_deviation_that_was_drawn_and_no_shift() -> None:
    even = np.full((200, 200), 128, np.uint8)
    noisy = add_noise(even, 0.1, Fixed(0.8)).astype(float)  # 0.08 * 255 = 20.4
    assert noisy.std() == pytest.approx(20.4, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    np.testing.assert_array_equal(add_noise(even, 0.1, Fixed(0.0)), even)
    dark = add_noise(np.zeros((50, 50), np.uint8), 0.1, Fixed(1.0))
    assert dark.max() < 150  # no value below 0 wraps round


def test_an_erased_rectangle_is_even_and_of_the_size_asked_for(grain: Grey) -> None:
    generator = np.random.default_rng(3)
    picture = np.kron(grain, np.ones((4, 4), np.uint8))
    before = picture.copy()
    shares, greys = [], set()
    for _ in range(300):
        erased = erase_rectangle(picture, generator)
        rows, columns = np.nonzero(erased != picture)
        box = erased[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(box)) == 1
        greys.add(int(box[0, 0]))
        shares.append(box.size / picture.size)
    np.testing.assert_array_equal(picture, before)
    assert 0.015 < min(shares) < 0.025
    assert 0.09 < max(shares) < 0.105
    assert len(greys) > 100


def test_a_lesion_is_never_erased() -> None:
    picture = np.zeros((64, 64), np.uint8)
    generator = np.random.default_rng(0)
    lesion = Box(20.5, 10, 40, 44.5)
    erased = [erase_rectangle(picture, generator, lesion) for _ in range(300)]
    assert not any(view[10:45, 20:40].any() for view in erased)
    assert sum(view.any() for view in erased) > 200
    np.testing.assert_array_equal(erase_rectangle(picture, generator, Box(0, 0, 64, 64)), picture)


def test_erasing_comes_as_often_as_asked() -> None:
    picture = np.zeros((32, 32), np.uint8)
    generator = np.random.default_rng(0)
    erased = [change_appearance(picture, options(erase=0.3), generator).any() for _ in range(1000)]
    assert abs(np.mean(erased) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 1000) + 0.3 / 256  # a rectangle may be black


def test_the_same_generator_gives_the_same_picture(grain: Grey) -> None:
    everything = options(
        brightness=0.1, contrast=0.1, gamma=0.5, low_resolution=3.0, sharpness=0.5, noise=0.05, erase=1.0
    )
    one, same, other = (change_appearance(grain, everything, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
