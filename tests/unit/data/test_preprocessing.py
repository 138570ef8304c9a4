from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.images import read_grey
from osteolens.data.preprocessing import input_transform, normalise, read_input, resize
from osteolens.domain import Preprocessing, ResizeMode

Grey = NDArray[np.uint8]


def picture(height: int, width: int) -> Grey:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def block_means(grey: Grey, rows: int, columns: int) -> NDArray[np.float64]:
    height, width = grey.shape
    return grey.reshape(height // rows, rows, width // columns, columns).mean(axis=(1, 3))


def test_stretching_to_a_whole_part_averages_blocks() -> None:
    grey = picture(32, 64)
    result = resize(grey, Preprocessing(16, resize="stretch"))
    assert result.shape == (16, 16)
    assert result.dtype == np.uint8
    assert np.abs(result - block_means(grey, 2, 4)).max() <= 0.5


def test_letterboxing_keeps_the_shape_and_pads_with_black() -> None:
    grey = np.maximum(picture(32, 64), 1)
    result = resize(grey, Preprocessing(16, resize="letterbox"))
    assert result.shape == (16, 16)
    assert not result[:4].any()
    assert not result[12:].any()
    assert np.abs(result[4:12] - block_means(grey, 4, 4)).max() <= 0.5
    upright = resize(grey.T, Preprocessing(16, resize="letterbox"))
    assert not upright[:, :4].any()
    assert np.abs(upright[:, 4:12] - block_means(grey, 4, 4).T).max() <= 0.5


@pytest.mark.parametrize(
    ("height", "width", "box"),  # top, bottom, left, right of what is not padding in 16 x 16
    [
        (32, 32, (0, 16, 0, 16)),
        (30, 20, (0, 16, 2, 13)),  # 20 * 16 / 30 = 10.7: 11 columns, 5 left over, 2 of them before
        (8, 16, (4, 12, 0, 16)),
        (16, 4000, (7, 8, 0, 16)),  # never thinner than one row
        (10, 10, (0, 16, 0, 16)),
    ],
)
def test_where_a_letterboxed_picture_lies(height: int, width: int, box: tuple[int, int, int, int]) -> None:
    result = resize(np.full((height, width), 200, np.uint8), Preprocessing(16))
    top, bottom, left, right = box
    expected = np.zeros((16, 16), np.uint8)
    expected[top:bottom, left:right] = 200
    np.testing.assert_array_equal(result, expected)


def test_area_does_not_alias_and_bilinear_does() -> None:
    columns = np.resize(np.array([0, 0, 0, 200], np.uint8), (64, 64))
    area = resize(columns, Preprocessing(16, resize="stretch", interpolation="area"))
    bilinear = resize(columns, Preprocessing(16, resize="stretch", interpolation="bilinear"))
    assert set(area.ravel()) == {50}  # the mean of four columns
    assert set(bilinear.ravel()) == {0}  # only the middle two of each four are looked at


def test_area_averages_the_side_that_shrinks_while_the_other_grows() -> None:
    rows = np.repeat(np.resize(np.array([0, 0, 0, 200], np.uint8), 64)[:, None], 4, axis=1)
    result = resize(rows, Preprocessing(16, resize="stretch", interpolation="area"))
    assert set(result.ravel()) == {50}


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    grey = picture(32, 32)
    for mode in ("stretch", "letterbox"):
        for interpolation in ("area", "bilinear"):
            record = Preprocessing(32, resize=mode, interpolation=interpolation)  # type: ignore[arg-type]
            np.testing.assert_array_equal(resize(grey, record), grey)


def test_enlarging_interpolates() -> None:
    halves = np.zeros((16, 16), np.uint8)
    halves[:, 8:] = 200
    row = resize(halves, Preprocessing(32, resize="stretch"))[0]
    assert row[:15].tolist() == [0] * 15
    assert row[15:17].tolist() == [50, 150]  # a quarter and three quarters of the way
    assert row[17:].tolist() == [200] * 15


@pytest.mark.parametrize(
    ("mode", "corners"),
    [
        ("stretch", [(0, 0), (16, 0), (0, 16), (16, 16)]),
        ("letterbox", [(0, 4), (16, 4), (0, 12), (16, 12)]),
    ],
)
def test_the_transform_takes_corners_to_corners(mode: ResizeMode, corners: list[tuple[int, int]]) -> None:
    matrix = input_transform(32, 64, Preprocessing(16, resize=mode))
    assert matrix.shape == (2, 3)
    for (x, y), expected in zip([(0, 0), (64, 0), (0, 32), (64, 32)], corners, strict=True):
        np.testing.assert_allclose(matrix @ [x, y, 1], expected)


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
@pytest.mark.parametrize(("height", "width"), [(128, 256), (256, 128), (120, 90), (100, 100)])
def test_the_transform_tells_where_resizing_puts_a_rectangle(mode: ResizeMode, height: int, width: int) -> None:
    record = Preprocessing(64, resize=mode)
    left, top, right, bottom = width // 4, height // 8, 3 * width // 4, height // 2
    grey = np.zeros((height, width), np.uint8)
    grey[top:bottom, left:right] = 255
    rows, columns = np.nonzero(resize(grey, record) > 127)
    matrix = input_transform(height, width, record)
    x0, y0 = matrix @ [left, top, 1]
    x1, y1 = matrix @ [right, bottom, 1]
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(np.array(found) - [x0, y0, x1, y1]).max() <= 0.5 + 1e-9


def test_normalised_values() -> None:
    values = np.zeros((2, 16, 16), np.uint8)
    values[1] = 255
    values[1, 0, 0] = 51  # a fifth of 255
    result = normalise(values, Preprocessing(16))
    assert result.shape == (2, 3, 16, 16)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0, :, 5, 5], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-6)
    np.testing.assert_allclose(result[1, :, 5, 5], [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], rtol=1e-6)
    np.testing.assert_allclose(result[1, :, 0, 0], [-0.285 / 0.229, -0.256 / 0.224, -0.206 / 0.225], rtol=1e-5)


def test_one_channel_and_one_picture() -> None:
    record = Preprocessing(16, channels=1, mean=(0.5,), std=(0.5,))
    result = normalise(np.full((16, 16), 255, np.uint8), record)
    assert result.shape == (1, 16, 16)
    assert set(result.ravel()) == {1.0}


def test_equalisation_happens_when_it_is_asked_for() -> None:
    grey = (picture(64, 64) // 4 + 60).astype(np.uint8)
    plain = resize(grey, Preprocessing(64, resize="stretch"))
    equalised = resize(grey, Preprocessing(64, resize="stretch", clahe=True))
    np.testing.assert_array_equal(plain, grey)
    np.testing.assert_array_equal(equalised, cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(grey))
    assert np.ptp(equalised) > np.ptp(grey)


@pytest.mark.real_data
def test_plain_bilinear_stretching_gives_the_pictures_of_btxrd_256(btxrd256: Path, btxrd_originals: Path) -> None:
    record = Preprocessing(256, resize="stretch", interpolation="bilinear")
    for path in sorted(btxrd_originals.iterdir())[::6]:
        made = resize(read_grey(path), record).astype(int)
        released = read_grey(btxrd256 / "images" / path.name)
        assert np.abs(made - released).mean() < 2, path.name  # the loss of one JPEG of quality 92


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_with_supersampling_the_input_is_sampled_from_an_averaged_base_picture(mode: ResizeMode) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (400, 300), dtype=np.uint8)
    record = Preprocessing(50, resize=mode, supersampling=1.6)
    base = resize(grey, Preprocessing(80, resize=mode))
    np.testing.assert_array_equal(resize(grey, record), cv2.resize(base, (50, 50), interpolation=cv2.INTER_LINEAR))


def test_the_input_transform_goes_through_the_base_picture() -> None:
    # 300 x 100 in a base of 80: 80 x 27 (26.67 rounded) with 26 pixels above; then 50 / 80 of everything
    matrix = input_transform(100, 300, Preprocessing(50, supersampling=1.6))
    np.testing.assert_allclose(matrix, [[50 / 300, 0, 0], [0, 27 / 100 * 50 / 80, 26 * 50 / 80]])


def test_a_fraction_of_a_jpeg_lies_where_the_whole_picture_would(tmp_path: Path) -> None:
    path = tmp_path / "white.jpg"
    Image.fromarray(np.full((300, 200), 255, np.uint8)).save(path)
    # decoded at 3/8 the picture has 75 x 113 pixels (112.5 rounded up), which alone would give 64 * 75 / 113 = 42.5
    made = read_input(path, Preprocessing(64))
    assert np.flatnonzero(made.any(axis=0)).tolist() == list(range(10, 53))  # 64 * 200 / 300 = 42.7: 43 columns


@pytest.mark.real_data
def test_the_scaled_decode_stays_within_two_grey_levels_of_area_averaging(btxrd_originals: Path) -> None:
    record = Preprocessing(160, resize="stretch", supersampling=1.6)
    paths = sorted(btxrd_originals.glob("*.jpeg"))
    assert len(paths) == 30
    for path in paths:
        averaged = np.asarray(cv2.resize(read_grey(path), (160, 160), interpolation=cv2.INTER_AREA)).astype(int)
        assert np.abs(read_input(path, record) - averaged).mean() < 2
