from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from osteolens.explain.overlay import colour_ramp, coloured, map_ramp, overlay


def test_no_evidence_leaves_the_picture_as_it_is():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    np.testing.assert_array_equal(overlay(picture, np.zeros((3, 4), np.float32)), np.repeat(picture[..., None], 3, 2))


LAST = np.array(mpl.colormaps["plasma"](255)[:3]) * 255


@pytest.mark.parametrize(("grey", "shade"), [(0, 0.6), (255, 1.0), (51, 0.68)])
def test_the_strongest_place_mixes_six_tenths_of_the_last_colour_shaded_by_the_bone(grey, shade):
    picture = np.full((4, 4), grey, np.uint8)
    expected = np.broadcast_to(0.4 * grey + 0.6 * shade * LAST, (4, 4, 3))
    np.testing.assert_allclose(overlay(picture, np.ones((4, 4), np.float32)), expected, atol=0.51)


def test_bone_keeps_six_tenths_of_its_contrast_under_the_strongest_evidence():
    bone = np.array([[100, 200]], np.uint8)
    luminance = overlay(bone, np.ones((1, 2), np.float32))[0] @ [0.2126, 0.7152, 0.0722]
    assert 0.58 <= (luminance[1] - luminance[0]) / 100 <= 0.66


def test_a_map_alone_has_the_colours_of_the_colour_map():
    heat = np.array([[0.0, 0.4, 1.0]], np.float32)
    expected = np.array([mpl.colormaps["plasma"](value)[:3] for value in (0, 102, 255)]) * 255
    np.testing.assert_allclose(coloured(heat)[0], expected, atol=0.51)


def test_the_key_runs_from_the_bare_bone_to_the_strongest_colour():
    ramp = colour_ramp(3, 100)
    assert ramp.shape == (3, 100, 3)
    np.testing.assert_array_equal(ramp[:, 0], np.full((3, 3), 110))
    np.testing.assert_allclose(ramp[1, -1], 0.4 * 110 + 0.6 * (0.6 + 0.4 * 110 / 255) * LAST, atol=0.51)


def test_the_key_to_a_map_alone_runs_through_the_colour_map():
    ends = np.array([mpl.colormaps["plasma"](value)[:3] for value in (0, 255)]) * 255
    np.testing.assert_allclose(map_ramp(3, 100)[1, [0, -1]], ends, atol=0.51)


def test_a_map_of_another_size_is_not_laid_over():
    with pytest.raises(ValueError, match="shape"):
        overlay(np.zeros((8, 16), np.uint8), np.ones((1, 2), np.float32))
