from __future__ import annotations

import cv2
import numpy as np
import pytest

from osteolens.explain.fills import BLUR, FILLS, confident_from, filled

SIDE = 64


@pytest.fixture
def picture() -> np.ndarray:
    """Soft shapes of a contrast that leaves room on both sides of the grey range."""
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE))
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.rint(120 + 20 * smooth / smooth.std()).astype(np.uint8)


def test_blurred_is_the_gaussian_of_the_side(picture: np.ndarray) -> None:
    expected = cv2.GaussianBlur(picture, (0, 0), BLUR * SIDE)
    np.testing.assert_array_equal(filled("blurred", picture, np.random.default_rng(0)), expected)


def test_scrambled_keeps_brightness_contrast_and_spectrum_and_nothing_else(picture: np.ndarray) -> None:
    found = filled("scrambled", picture, np.random.default_rng(0))
    assert found.dtype == np.uint8
    assert found.mean() == pytest.approx(picture.mean(), abs=0.5)
    assert found.std() == pytest.approx(picture.std(), rel=0.03)
    before, after = (np.abs(np.fft.fft2(array - array.mean())) for array in (picture, found))
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
    assert abs(np.corrcoef(picture.ravel(), found.ravel())[0, 1]) < 0.3


def test_scrambled_depends_on_the_generator_alone(picture: np.ndarray) -> None:
    one, again, other = (filled("scrambled", picture, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.5


@pytest.mark.parametrize("fill", list(FILLS))
def test_a_flat_picture_stays_as_it_is(fill: str) -> None:
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    np.testing.assert_array_equal(filled(fill, flat, np.random.default_rng(0)), flat)


def test_confident_is_halfway_to_certainty() -> None:
    assert confident_from(2) == 0.75
    assert confident_from(3) == pytest.approx(2 / 3)
