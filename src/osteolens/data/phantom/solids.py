"""Solids with a shell and a core, and the length of a ray through each.

For an elliptic cross-section with half axes a and b, a parallel ray at the lateral offset x travels
``2 d sqrt(1 - (x / w)^2)`` inside it, where ``w = hypot(a cos, b sin)`` is the projected half width at the viewing
angle and ``d = a b / w`` the half depth. Shell and core are two such solids, one inside the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from osteolens.data.phantom.geometry import Detector, Point3
from osteolens.data.phantom.noise import FloatArray

EDGE_MM = 4.0


@dataclass(frozen=True)
class Patch:
    """Path lengths in millimetres on the part of the detector that a solid covers.

    Attributes
    ----------
    outer, inner
        Path in the whole solid and in its core.
    spongy
        Path in the core times the core's density (0 to 1).
    """

    rows: slice
    columns: slice
    outer: FloatArray
    inner: FloatArray
    spongy: FloatArray


class Solid(Protocol):
    """Anything that can be projected."""

    def project(self, detector: Detector) -> Patch | None:
        """Return the path lengths, or None where the solid misses the detector."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """A rounded bone, an organ, a lump.

    Attributes
    ----------
    centre
        In millimetres.
    radii
        Half axes in millimetres: to the side, along the limb, to the front.
    shell
        Thickness of the shell in millimetres.
    density
        Density of the core, 0 to 1.
    tilt
        Rotation in the frontal plane in radians.
    """

    centre: Point3
    radii: Point3
    shell: float = 1.2
    density: float = 0.45
    tilt: float = 0.0

    def project(self, detector: Detector) -> Patch | None:
        """Return the path lengths, or None where the solid misses the detector."""
        camera = detector.camera
        side, along, front = self.radii
        width = math.hypot(side * math.cos(camera.angle), front * math.sin(camera.angle))
        depth = side * front / width
        x, y = camera.project(self.centre)
        reach = max(width, along) + EDGE_MM
        corners = np.array([(x + i * reach, y + j * reach) for i in (-1, 1) for j in (-1, 1)])
        window = camera.window(corners)
        if window is None:
            return None
        dx, dy = detector.x[window] - np.float32(x), detector.y[window] - np.float32(y)
        cosine, sine = np.float32(math.cos(self.tilt)), np.float32(math.sin(self.tilt))
        across, down = dx * cosine + dy * sine, dy * cosine - dx * sine
        outer = ellipse_path(across, down, width, along, depth)
        shell = self.shell
        if min(width, along, depth) <= shell:
            inner = np.zeros_like(outer)
        else:
            inner = ellipse_path(across, down, width - shell, along - shell, depth - shell)
        return Patch(*window, outer, inner, inner * np.float32(self.density))


def ellipse_path(across: FloatArray, down: FloatArray, width: float, height: float, depth: float) -> FloatArray:
    """Return the length of the ray inside an ellipsoid with these half axes; 0 outside."""
    inside = 1 - (across / np.float32(width)) ** 2 - (down / np.float32(height)) ** 2
    return np.float32(2 * depth) * np.sqrt(np.maximum(inside, 0))
