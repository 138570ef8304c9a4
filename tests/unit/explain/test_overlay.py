from __future__ import annotations

import matplotlib as mpl
import numpy as np

from osteolens.explain.overlay import overlay


def test_no_evidence_leaves_the_picture_as_it_is():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    np.testing.assert_array_equal(overlay(picture, np.zeros((2, 2), np.float32)), np.repeat(picture[..., None], 3, 2))


def test_the_strongest_place_mixes_six_tenths_of_the_last_colour():
    picture = np.full((4, 4), 100, np.uint8)
    coloured = overlay(picture, np.ones((2, 2), np.float32))
    last = np.array(mpl.colormaps["plasma"](255)[:3]) * 255
    np.testing.assert_allclose(coloured, np.broadcast_to(0.4 * 100 + 0.6 * last, (4, 4, 3)), atol=0.51)


def test_a_small_map_is_enlarged_to_the_picture():
    picture = np.zeros((8, 16), np.uint8)
    coloured = overlay(picture, np.array([[0.0, 1.0]], np.float32))
    assert coloured.shape == (8, 16, 3)
    assert coloured.dtype == np.uint8
    assert not coloured[:, 0].any()
    assert coloured[:, -1].max() > 100
