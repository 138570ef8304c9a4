"""What is done to every picture so that hospitals differ less: resolution, background, grey values."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.images import read_grey
from osteolens.data.preprocessing import read_input, resize, stretch_percentiles
from osteolens.domain import Preprocessing, ResizeMode

Grey = NDArray[np.uint8]


def picture(height: int, width: int) -> Grey:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def test_no_picture_keeps_more_detail_than_the_equalised_resolution() -> None:
    grey = picture(64, 64)
    equalised = resize(grey, Preprocessing(32, resize="stretch", equalise_resolution=16))
    coarse = np.rint(grey.reshape(16, 4, 16, 4).mean(axis=(1, 3))).astype(np.uint8)
    np.testing.assert_allclose(
        equalised, cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_LINEAR), atol=1
    )  # both round the block means, halves perhaps differently


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_a_picture_that_is_small_already_is_not_equalised(mode: ResizeMode) -> None:
    grey = picture(20, 30)
    plain = resize(grey, Preprocessing(64, resize=mode))
    np.testing.assert_array_equal(resize(grey, Preprocessing(64, resize=mode, equalise_resolution=30)), plain)
    assert not np.array_equal(resize(grey, Preprocessing(64, resize=mode, equalise_resolution=25)), plain)


def test_stretching_equalises_each_side_and_letterboxing_the_longer_one() -> None:
    bars = np.tile(np.array([0, 200], np.uint8), (32, 32))  # 32 rows, 64 columns, one pixel a bar
    assert set(resize(bars.T, Preprocessing(32, resize="stretch", equalise_resolution=32)).ravel()) == {100}
    assert set(resize(bars, Preprocessing(64, resize="letterbox", equalise_resolution=32))[16:48].ravel()) == {100}
    upright = np.tile(np.array([0, 200], np.uint8), (64, 16))  # its shorter side has 32 pixels: stretching leaves it
    kept = resize(upright, Preprocessing(64, resize="stretch", equalise_resolution=32))
    assert np.ptp(kept) == 200
    assert set(resize(upright, Preprocessing(64, equalise_resolution=32))[:, 16:48].ravel()) == {100}


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_equalising_moves_nothing(mode: ResizeMode) -> None:
    grey = np.zeros((120, 90), np.uint8)
    grey[30:60, 30:60] = 255
    plain = resize(grey, Preprocessing(64, resize=mode))
    coarse = resize(grey, Preprocessing(64, resize=mode, equalise_resolution=40))
    assert not np.array_equal(plain, coarse)
    for axis in (0, 1):
        grid = np.arange(64)
        means = [(image.sum(axis=axis, dtype=float) * grid).sum() / image.sum(dtype=float) for image in (plain, coarse)]
        assert means[0] == pytest.approx(means[1], abs=0.1)


def test_a_scaled_decode_is_equalised_like_the_whole_picture(tmp_path: Path) -> None:
    y, x = np.mgrid[:400, :300]
    path = tmp_path / "smooth.jpg"
    Image.fromarray((127 + 60 * np.sin(x / 20) * np.cos(y / 30)).astype(np.uint8)).save(path, quality=98)
    record = Preprocessing(64, equalise_resolution=48)
    whole = resize(read_grey(path), record).astype(int)
    assert np.abs(read_input(path, record) - whole).mean() < 1


def test_percentiles_become_black_and_white_by_hand() -> None:
    grey = np.arange(100, 200, dtype=np.uint8).reshape(10, 10)  # one pixel each: 1% is 100, 99% is 198
    stretched = stretch_percentiles(grey, np.ones((10, 10), bool))
    assert stretched[0, 0] == 0
    assert stretched[9, 8] == stretched[9, 9] == 255  # 198, and 199 clipped
    assert stretched[4, 9] == 128  # (149 - 100) * 255 / 98 = 127.5
    assert stretched.dtype == np.uint8


def test_only_the_counted_pixels_decide_on_the_stretch() -> None:
    grey = np.array([[0, 50, 100, 150, 255]], np.uint8)
    counted = np.array([[False, True, True, True, False]])
    assert stretch_percentiles(grey, counted).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("value", [0, 77, 255])
def test_an_even_picture_is_not_stretched(value: int) -> None:
    grey = np.full((32, 32), value, np.uint8)
    record = Preprocessing(32, resize="stretch", intensity="percentile", clean_background=True)
    np.testing.assert_array_equal(resize(grey, record), grey)


def limb() -> Grey:
    """Air of 20, a limb of 60 to 160 and a letter of 255, 100 x 100."""
    grey = np.full((100, 100), 20, np.uint8)
    grey[:, 30:70] = np.linspace(60, 160, 40).astype(np.uint8)
    grey[80:88, 5:12] = 255
    return grey


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_cleaning_blanks_the_letter_and_leaves_the_body_as_it_is(mode: ResizeMode) -> None:
    cleaned = resize(limb(), Preprocessing(100, resize=mode, clean_background=True))
    np.testing.assert_array_equal(cleaned[:, 30:70], limb()[:, 30:70])
    assert not cleaned[:, :24].any()
    assert not cleaned[:, 76:].any()


def test_the_letter_does_not_decide_on_the_stretch() -> None:
    record = Preprocessing(100, resize="stretch", intensity="percentile")
    with_letter, without = resize(limb(), record), resize(np.where(limb() == 255, 20, limb()).astype(np.uint8), record)
    np.testing.assert_array_equal(with_letter[:, 30:70], without[:, 30:70])
    assert with_letter[50, 69] == 255


def test_the_order_is_clean_stretch_clahe() -> None:
    everything = Preprocessing(64, resize="stretch", clahe=True, clean_background=True, intensity="percentile")
    cleaned = resize(limb(), Preprocessing(64, resize="stretch", clean_background=True))
    stretched = resize(limb(), Preprocessing(64, resize="stretch", clean_background=True, intensity="percentile"))
    assert not stretched[cleaned == 0].any()
    expected = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(stretched)
    np.testing.assert_array_equal(resize(limb(), everything), expected)


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_all_switches_with_supersampling_are_applied_to_the_base_picture(mode: ResizeMode) -> None:
    record = Preprocessing(
        50, resize=mode, supersampling=1.6, clean_background=True, intensity="percentile", equalise_resolution=60
    )
    base = resize(limb(), record.base)
    assert base.shape == (80, 80)
    np.testing.assert_array_equal(resize(limb(), record), cv2.resize(base, (50, 50), interpolation=cv2.INTER_LINEAR))
