from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.data.audit.picture_facts import picture_facts

Grey = NDArray[np.uint8]


def textured(height: int = 100, width: int = 200) -> Grey:
    return np.random.default_rng(0).integers(50, 200, (height, width), dtype=np.uint8)


def test_a_frame_is_measured_and_a_marker_in_it_does_not_end_it() -> None:
    """10 of 100 rows at the top and bottom and 20 of 200 columns at the sides leave 80 x 160 of 100 x 200: 64%."""
    grey = textured()
    grey[:10] = grey[-10:] = 3
    grey[:, :20] = grey[:, -20:] = 0
    grey[4:8, 30:38] = 255  # 4% of the row
    facts = picture_facts(grey)
    assert facts.black_border == pytest.approx(0.36)
    assert facts.white_border == 0
    assert facts.framed
    assert not facts.blank


def test_a_border_on_one_side_is_no_frame() -> None:
    grey = textured()
    grey[:, 150:] = 255
    facts = picture_facts(grey)
    assert (facts.black_border, facts.white_border, facts.framed) == (0, 0.25, False)


def test_a_frame_may_be_black_here_and_white_there() -> None:
    grey = textured()
    grey[:5] = grey[-5:] = 0
    grey[:, :5] = grey[:, -5:] = 255
    facts = picture_facts(grey)
    assert facts.framed
    assert (facts.black_border, facts.white_border) == pytest.approx((0.1, 0.05))
    grey[:5] = 100
    assert not picture_facts(grey).framed


@pytest.mark.parametrize(("level", "black", "white"), [(0, 1, 0), (255, 0, 1), (128, 0, 0)])
def test_a_blank_picture(level: int, black: float, white: float) -> None:
    facts = picture_facts(np.full((40, 50), level, np.uint8))
    assert facts.blank
    assert (facts.mean, facts.std, facts.sharpness) == (level, 0, 0)
    assert (facts.black_border, facts.white_border) == (black, white)


def test_mean_and_spread_are_those_of_numpy_and_sharpness_that_of_the_definition() -> None:
    """The Laplacian of a single bright pixel is -4 times its height there and once at its four neighbours."""
    grey = textured()
    facts = picture_facts(grey)
    assert facts.mean == pytest.approx(grey.mean())
    assert facts.std == pytest.approx(grey.std())
    spike = np.zeros((20, 20), np.uint8)
    spike[10, 10] = 100
    assert picture_facts(spike).sharpness == pytest.approx((400**2 + 4 * 100**2) / 400)


def test_sharpness_does_not_depend_on_how_large_a_picture_is_stored() -> None:
    """The same picture with every pixel repeated 3 x 3 is sharp at three times the size, and is compared at 256."""
    grey = np.kron(textured(16, 32), np.ones((8, 8), np.uint8)).astype(np.uint8)
    large = np.kron(grey, np.ones((3, 3), np.uint8)).astype(np.uint8)
    assert picture_facts(large).sharpness == pytest.approx(picture_facts(grey).sharpness, rel=1e-3)
    assert picture_facts(np.full((100, 100), 60, np.uint8)).sharpness == 0
