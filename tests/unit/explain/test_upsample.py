from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812  the name under which torch is known

from osteolens.data.preprocessing import resize
from osteolens.domain import Preprocessing
from osteolens.explain.upsample import onto_picture, upsample


def test_two_cells_become_four_pixels():
    # Pixel centres lie at -0.25, 0.25, 0.75 and 1.25 of the cells' centres 0 and 1; the outer ones are held.
    np.testing.assert_allclose(upsample(np.array([[0.0, 1.0]], np.float32), 1, 4), [[0, 0.25, 0.75, 1]])


def test_a_shifted_map_lies_down_and_to_the_right():
    # Half a cell is one pixel here: the cells' centres are 1.5 and 3.5 instead of 0.5 and 2.5.
    maps = np.array([[0.0, 1.0]], np.float32)
    np.testing.assert_allclose(upsample(maps, 1, 4, shift=(0.0, 0.5)), [[0, 0, 0.25, 0.75]])
    np.testing.assert_allclose(upsample(maps, 1, 4, shift=(0.0, -0.5)), [[0.25, 0.75, 1, 1]])
    np.testing.assert_allclose(upsample(maps.T, 4, 1, shift=(0.5, 0.0)), [[0], [0], [0.25], [0.75]])


@pytest.mark.parametrize("size", [(224, 224), (50, 31), (7, 9), (3, 4)])
def test_equal_to_torch(size):
    maps = np.random.default_rng(0).random((2, 3, 7, 9), np.float32)
    expected = F.interpolate(torch.from_numpy(maps), size, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(upsample(maps, *size), expected.numpy(), atol=1e-6)


def test_a_stretched_map_lies_over_the_whole_picture():
    maps = np.random.default_rng(0).random((7, 7), np.float32)
    record = Preprocessing(size=64, resize="stretch")
    np.testing.assert_allclose(onto_picture(maps, 40, 90, record), upsample(maps, 40, 90), atol=1e-6)


@pytest.mark.parametrize("shape", [(128, 256), (256, 128)])
def test_a_letterboxed_map_is_cut_out_of_its_padding(shape):
    # The picture fills the middle half of a 64 x 64 input: the middle 16 of 32 cells along its short side.
    maps = np.random.default_rng(0).random((32, 32), np.float32)
    record = Preprocessing(size=64, resize="letterbox")
    wide = maps if shape[0] < shape[1] else maps.T
    whole = upsample(wide, 256, 256)[64:192]
    expected = whole if shape[0] < shape[1] else whole.T
    np.testing.assert_allclose(onto_picture(maps, *shape, record), expected, atol=1e-6)


def test_a_shift_is_one_of_the_input_and_not_of_the_picture():
    """One cell is 8 pixels of the input, 16 of a picture twice as large, and 8 rows of it are padding at the top."""
    maps = np.random.default_rng(0).random((8, 8), np.float32)
    record = Preprocessing(size=64, resize="letterbox")
    moved = onto_picture(maps, 64, 128, record, shift=(0.5, 0.25))
    plain = onto_picture(maps, 64, 128, record)
    np.testing.assert_allclose(moved[8:, 4:], plain[:-8, :-4], atol=1e-6)


def test_a_map_lies_on_a_stretched_picture_as_on_the_input():
    maps = np.random.default_rng(0).random((3, 3), np.float32)
    place = {"shift": (-0.48, 0.3)}
    record = Preprocessing(size=90, resize="stretch")
    np.testing.assert_allclose(onto_picture(maps, 40, 70, record, **place), upsample(maps, 40, 70, **place), atol=1e-6)


def test_a_bright_spot_comes_back_to_where_it_was():
    picture = np.zeros((300, 100), np.uint8)
    picture[200:210, 30:40] = 255
    record = Preprocessing(size=96, resize="letterbox")
    back = onto_picture(resize(picture, record).astype(np.float32), 300, 100, record)
    y, x = np.unravel_index(back.argmax(), back.shape)
    assert 200 <= y < 210
    assert 30 <= x < 40
