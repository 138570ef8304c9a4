"""Path lengths against geometry worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osteolens.data.phantom.geometry import Camera, Detector
from osteolens.data.phantom.limb import bent, knots
from osteolens.data.phantom.solids import Ellipsoid, Solid
from osteolens.data.phantom.tube import Cap, Tube


def detector(angle: float = 0.0, tilt: float = 0.0, mirror: int = 1) -> Detector:
    camera = Camera((201, 201), 0.5, (0.0, 0.0), angle, tilt, mirror)
    return Detector(camera, *camera.plane())


def paths(solid: Solid, seen_from: Detector) -> tuple[np.ndarray, np.ndarray]:
    outer, inner = np.zeros((2, *seen_from.camera.shape))
    patch = solid.project(seen_from)
    assert patch is not None
    outer[patch.rows, patch.columns], inner[patch.rows, patch.columns] = patch.outer, patch.inner
    return outer, inner


def test_round_tube_is_a_circle_in_section() -> None:
    tube = Tube((0, -80, 0), (0, 80, 0), knots((0, 10, 4, 0.5), (1, 10, 4, 0.5)))
    outer, inner = paths(tube, detector())
    assert outer[100, 100] == pytest.approx(20, abs=0.01)
    assert outer[100, 112] == pytest.approx(16, abs=0.01)  # 2 sqrt(10^2 - 6^2), 12 pixels of 0.5 mm to the side
    assert outer[100, 121] == 0
    assert inner[100, 100] == pytest.approx(12, abs=0.01)
    assert inner[100, 113] == 0  # 6.5 mm to the side, in the shell of 4 mm


def test_a_turned_elliptic_tube_shows_its_other_side() -> None:
    flat = Tube((0, -80, 0), (0, 80, 0), knots((0, 20, 20, 10, 10, 1, 0.5), (1, 20, 20, 10, 10, 1, 0.5)))
    front, _ = paths(flat, detector())
    side, _ = paths(flat, detector(math.pi / 2))
    assert (front[100] > 0).sum() == pytest.approx(80, abs=2)  # 40 mm at 0.5 mm
    assert (side[100] > 0).sum() == pytest.approx(40, abs=2)
    assert front[100, 100] == pytest.approx(20, abs=0.05)
    assert side[100, 100] == pytest.approx(40, abs=0.05)
    assert front[100].sum() == pytest.approx(side[100].sum(), rel=0.01)  # the section's area


def test_tube_ends_where_its_contour_says() -> None:
    tube = Tube((0, -30, 0), (0, 30, 0), knots((0, 10, 1, 0.5), (1, 10, 1, 0.5)), (Cap(4), Cap(4, ((-1, 5), (1, 5)))))
    outer, _ = paths(tube, detector())
    rows = np.nonzero(outer[:, 100])[0]
    assert rows.min() == pytest.approx(100 - 60, abs=1)
    assert rows.max() == pytest.approx(100 + 70, abs=1)


def test_growth_plate_lets_light_through() -> None:
    closed = Tube((0, -40, 0), (0, 40, 0), knots((0, 10, 1, 0.5), (1, 10, 1, 0.5)))
    grown, _ = paths(closed, detector())
    young, _ = paths(Tube(closed.start, closed.end, closed.knots, plates=(0.75,)), detector())
    assert young[140, 100] == pytest.approx(0.45 * grown[140, 100], rel=0.05)
    assert young[60, 100] == grown[60, 100]


def test_ellipsoid_volume() -> None:
    outer, inner = paths(Ellipsoid((3, 4, 5), (20, 15, 10), 2.0), detector())
    assert outer.sum() * 0.25 == pytest.approx(4 / 3 * math.pi * 20 * 15 * 10, rel=0.01)
    assert inner.sum() * 0.25 == pytest.approx(4 / 3 * math.pi * 18 * 13 * 8, rel=0.01)


def test_a_solid_off_the_detector_is_none() -> None:
    assert Ellipsoid((500, 0, 0), (5, 5, 5)).project(detector()) is None


@pytest.mark.parametrize("mirror", [1, -1])
def test_camera_and_its_pixel_grid_agree(mirror: int) -> None:
    camera = Camera((40, 60), 0.7, (3.0, -2.0), 0.0, 0.4, mirror)
    x, y = camera.plane()
    column, row = camera.to_pixel(float(x[7, 31]), float(y[7, 31]))
    assert (column, row) == pytest.approx((31.5, 7.5), abs=1e-3)


def test_a_bent_joint_moves_the_lower_part_backwards() -> None:
    assert bent((1, 10, 0), (0, 0, 0), math.pi / 2) == pytest.approx((1, 0, -10))


def test_outward_directions() -> None:
    tube = Tube((0, 0, 0), (0, 10, 0), knots((0, 1, 0.1, 0.5), (1, 1, 0.1, 0.5)))
    assert tube.outward(0) == pytest.approx((1, 0, 0))
    assert tube.outward(math.pi / 2) == pytest.approx((0, 0, 1))
