from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from osteolens.explain.overlay import overlay


def test_no_evidence_leaves_the_picture_as_it_is():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    np.testing.assert_array_equal(overlay(picture, np.zeros((3, 4), np.float32)), np.repeat(picture[..., None], 3, 2))


def test_the_strongest_place_mixes_six_tenths_of_the_last_colour():
    picture = np.full((4, 4), 100, np.uint8)
    coloured = overlay(picture, np.ones((4, 4), np.float32))
    last = np.array(mpl.colormaps["plasma"](255)[:3]) * 255
    np.testing.assert_allclose(coloured, np.broadcast_to(0.4 * 100 + 0.6 * last, (4, 4, 3)), atol=0.51)


def test_a_map_of_another_size_is_not_laid_over():
    with pytest.raises(ValueError, match="shape"):
        overlay(np.zeros((8, 16), np.uint8), np.ones((1, 2), np.float32))
