from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from osteolens.data.corruptions import CORRUPTIONS

Grey = NDArray[np.uint8]
GRADED = [name for name, corruption in CORRUPTIONS.items() if not corruption.is_one_step]


def spoil(name: str, picture: Grey, strength: float = 1.0, seed: int = 0) -> Grey:
    return CORRUPTIONS[name].apply(picture, strength, np.random.default_rng(seed))


def textured(height: int = 200, width: int = 300) -> Grey:
    return np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)


def test_every_corruption_of_the_specification_is_there() -> None:
    assert list(CORRUPTIONS) == ["noise", "blur", "brightness", "contrast", "rotation", "inversion", "borders"]
    assert [name for name in CORRUPTIONS if name not in GRADED] == ["inversion", "borders"]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_keeps_size_and_kind_and_leaves_the_picture_itself_alone(name: str) -> None:
    corruption, picture = CORRUPTIONS[name], textured()
    assert list(corruption.strengths) == sorted(set(corruption.strengths))
    assert 0 not in corruption.strengths
    for strength in corruption.strengths:
        spoiled = spoil(name, picture, strength)
        assert (spoiled.dtype, spoiled.shape) == (np.uint8, picture.shape)
        assert (picture == textured()).all()


@pytest.mark.parametrize("name", GRADED)
def test_strength_0_changes_nothing_and_every_strength_does(name: str) -> None:
    picture = textured()
    assert (spoil(name, picture, 0.0) == picture).all()
    assert all((spoil(name, picture, strength) != picture).any() for strength in CORRUPTIONS[name].strengths)


@pytest.mark.parametrize("side", [128, 256, 1024])
def test_noise_has_the_standard_deviation_it_says(side: int) -> None:
    noisy = spoil("noise", np.full((side, side), 128, np.uint8), 0.05).astype(float)
    assert noisy.std() == pytest.approx(0.05 * 255, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_noise_hurts_a_large_picture_as_much_as_a_small_one() -> None:
    small, large = (spoil("noise", np.full((side, side // 2), 128, np.uint8), 0.1) for side in (256, 2048))
    averaged = cv2.resize(large, (128, 256), interpolation=cv2.INTER_AREA)
    assert (averaged == small).all()


def test_more_noise_is_the_same_noise_with_more_strength() -> None:
    picture = np.full((64, 64), 128, np.uint8)
    weak, strong = (spoil("noise", picture, strength).astype(float) - 128 for strength in (0.05, 0.1))
    assert np.abs(strong - 2 * weak).max() <= 1.5  # rounded to whole grey values


def test_noise_is_that_of_its_generator() -> None:
    picture = textured()
    assert (spoil("noise", picture, 0.1, seed=4) == spoil("noise", picture, 0.1, seed=4)).all()
    assert (spoil("noise", picture, 0.1, seed=4) != spoil("noise", picture, 0.1, seed=5)).mean() > 0.9


@pytest.mark.parametrize("width", [128, 512, 2050])
def test_blur_turns_an_edge_into_the_normal_distribution(width: int) -> None:
    picture = np.zeros((40, width), np.uint8)
    picture[:, width // 2 :] = 200
    distance = np.arange(width) + 0.5 - width / 2  # of the centre of a pixel from the edge
    expected = 200 * norm.cdf(distance / (0.02 * width))
    assert np.abs(spoil("blur", picture, 0.02) - expected).max() <= 2  # it ends at three deviations


@pytest.mark.parametrize("strength", CORRUPTIONS["blur"].strengths)
def test_blur_keeps_the_mean(strength: float) -> None:
    picture = np.zeros((256, 256), np.uint8)
    picture[100:156, 90:166] = textured(56, 76)
    blurred = spoil("blur", picture, strength)
    assert blurred.mean() == pytest.approx(picture.mean(), abs=0.2)
    assert blurred.std() < picture.std()


def test_brightness_by_hand() -> None:
    picture = np.array([[0, 100, 250]], np.uint8)
    assert spoil("brightness", picture, 0.2).tolist() == [[51, 151, 255]]
    assert spoil("brightness", picture, -0.4).tolist() == [[0, 0, 148]]


def test_contrast_by_hand() -> None:
    picture = np.array([[100, 200]], np.uint8)
    assert spoil("contrast", picture, -0.5).tolist() == [[125, 175]]
    assert spoil("contrast", picture, 1.0).tolist() == [[50, 250]]
    assert spoil("contrast", np.array([[0, 200, 250]], np.uint8), 1.0).tolist() == [[0, 250, 255]]


def test_a_quarter_turn_goes_anticlockwise() -> None:
    picture = textured(64, 64)
    assert (spoil("rotation", picture, 90.0) == np.rot90(picture)).all()


def test_a_spot_turns_about_the_centre_and_corners_become_black() -> None:
    picture = np.full((101, 101), 40, np.uint8)
    picture[49:52, 79:82] = 240  # 30 to the right of the centre
    turned = spoil("rotation", picture, 30.0)
    rows, columns = np.nonzero(turned > 200)
    assert rows.mean() == pytest.approx(50 - 30 * 0.5, abs=0.5)
    assert columns.mean() == pytest.approx(50 + 30 * np.sqrt(3) / 2, abs=0.5)
    assert [turned[corner] for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1))] == [0, 0, 0, 0]
    assert turned[50, 50] == 40


def test_inversion_by_hand_and_undone_by_itself() -> None:
    assert spoil("inversion", np.array([[0, 1, 128, 255]], np.uint8)).tolist() == [[255, 254, 127, 0]]
    assert (spoil("inversion", spoil("inversion", textured())) == textured()).all()


def test_letters_and_frames_are_blanked_and_the_limb_is_not() -> None:
    limb = np.full((100, 100), 20, np.uint8)
    limb[:, 35:65] = 80
    limb[:, 45:55] = 200
    picture = limb.copy()
    cv2.putText(picture, "R", (5, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 2)
    blanked = spoil("borders", picture)
    assert (blanked[:, 35:65] == limb[:, 35:65]).all()
    assert not blanked[:, :25].any()
    assert not blanked[:, 75:].any()
