"""Long bones and limbs: a tube whose cross-section, shell and core change along its axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from osteolens.data.phantom.geometry import Detector, Point3
from osteolens.data.phantom.noise import FloatArray
from osteolens.data.phantom.solids import EDGE_MM, Patch

LOOKUP = 512
SMOOTHING = 0.012  # of the length: rounds the corners between two knots
SHORTEST_PROJECTION = 0.35
THICKEST_SHORTENING = np.float32(0.6)  # a ray along a tube leaves it through the end

Knot = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Cap:
    """The end of a tube.

    Attributes
    ----------
    rounding
        Length in millimetres over which the end closes.
    contour
        Pairs (relative offset from -1 medial to 1 lateral, millimetres beyond the end), seen from the front.
    """

    rounding: float = 4.0
    contour: tuple[tuple[float, float], ...] = ((-1.0, 0.0), (1.0, 0.0))

    def beyond(self, offset: FloatArray, angle: float) -> FloatArray:
        """Return how far the end reaches beyond the axis in mm at a relative offset; it fades out of the front view."""
        knots = np.array(self.contour)
        grid = np.linspace(-1, 1, 128)
        table = _smooth(np.interp(grid, knots[:, 0], knots[:, 1])[None], 4.0)[0] * np.float32(math.cos(angle) ** 2)
        index = np.clip((offset + 1) * np.float32(63.5), 0, 127).astype(np.int32)
        return table[index]


@dataclass(frozen=True)
class Tube:
    """A long bone or a piece of limb.

    Attributes
    ----------
    start, end
        Ends of the axis in millimetres.
    knots
        Rows (position 0 to 1, medial, lateral, posterior, anterior half width in mm, shell in mm, core density 0-1).
    bow
        Sideways bend of the middle in millimetres.
    plates
        Positions (0 to 1) of open growth plates.
    plate_width
        Width of an open growth plate in millimetres.
    squareness
        0 is an ellipse, 1 the squarest cross-section.
    """

    start: Point3
    end: Point3
    knots: tuple[Knot, ...]
    caps: tuple[Cap, Cap] = (Cap(), Cap())
    bow: float = 0.0
    plates: tuple[float, ...] = ()
    plate_width: float = 1.6
    squareness: float = 0.0

    @property
    def length(self) -> float:
        """Length of the axis in millimetres."""
        return math.dist(self.start, self.end)

    def at(self, position: float) -> npt.NDArray[np.float64]:
        """Return medial, lateral, posterior, anterior half width, shell (mm) and density at a position 0 to 1."""
        table = np.array(self.knots)
        return np.array([np.interp(position, table[:, 0], table[:, column]) for column in range(1, 7)])

    @property
    def direction(self) -> Point3:
        """Unit vector from start to end."""
        x, y, z = ((b - a) / self.length for a, b in zip(self.start, self.end, strict=True))
        return x, y, z

    def outward(self, azimuth: float) -> Point3:
        """Return the unit vector across the axis in that direction; 0 is lateral, pi/2 anterior."""
        axis = np.array(self.direction)
        lateral = np.array([1.0, 0.0, 0.0]) - axis[0] * axis
        lateral /= np.linalg.norm(lateral)
        x, y, z = (float(v) for v in math.cos(azimuth) * lateral + math.sin(azimuth) * np.cross(lateral, axis))
        return x, y, z

    def axis_point(self, position: float) -> Point3:
        """Return the point of the axis at a position 0 to 1."""
        x, y, z = (a + (b - a) * position for a, b in zip(self.start, self.end, strict=True))
        return x + self.bow * 4 * position * (1 - position), y, z

    def project(self, detector: Detector) -> Patch | None:
        """Return the path lengths, or None where the solid misses the detector."""
        camera = detector.camera
        table = self._lookup(camera.angle)
        origin, direction, shortening = self._axis(detector)
        window = camera.window(self._corners(origin, direction, shortening, float(table[:2].max())))
        if window is None:
            return None
        dx, dy = detector.x[window] - origin[0], detector.y[window] - origin[1]
        along = (dx * direction[0] + dy * direction[1]) / shortening
        across = dx * direction[1] - dy * direction[0]
        position = np.clip(along / np.float32(self.length), 0, 1)
        if self.bow:
            across -= np.float32(4 * self.bow * math.cos(camera.angle)) * position * (1 - position)
        right, left, depth, shell, density = table[:, (position * (LOOKUP - 1)).astype(np.int32)]
        offset = across - (right - left) / 2
        half = (right + left) / 2
        overshoot = self._overshoot(along, offset / half, camera.angle)
        depth = 2 * depth / max(shortening, THICKEST_SHORTENING)
        outer = self._path(offset, half, depth, overshoot, np.float32(0))
        core = np.maximum(half - shell, np.float32(0.01))
        inner = self._path(offset, core, depth * core / half, overshoot, shell)
        gap = self._growth_gap(along, across)
        return Patch(*window, outer * gap, inner * gap, inner * gap * density)

    def _axis(self, detector: Detector) -> tuple[FloatArray, FloatArray, np.float32]:
        start = np.array(detector.camera.project(self.start), dtype=np.float32)
        end = np.array(detector.camera.project(self.end), dtype=np.float32)
        seen = float(np.hypot(*(end - start)))
        shortening = max(seen / self.length, SHORTEST_PROJECTION)
        direction = (end - start) / seen if seen > 1e-3 else np.array([0, 1], dtype=np.float32)
        origin = (start + end) / 2 - direction * (shortening * self.length / 2)
        return origin.astype(np.float32), direction.astype(np.float32), np.float32(shortening)

    def _corners(
        self, origin: FloatArray, direction: FloatArray, shortening: np.float32, reach: float
    ) -> npt.NDArray[np.float64]:
        reach += EDGE_MM + abs(self.bow)
        highest = max(height for cap in self.caps for _, height in cap.contour) + EDGE_MM
        normal = np.array([direction[1], -direction[0]])
        ends = (-highest, float(shortening) * self.length + highest)
        return np.array([origin + direction * s + normal * side * reach for s in ends for side in (-1, 1)])

    def _lookup(self, angle: float) -> FloatArray:
        """Return right and left half width, half depth, shell and density along the axis, (5, LOOKUP)."""
        knots = np.array(self.knots)
        grid = np.linspace(0, 1, LOOKUP)
        rows = np.stack([np.interp(grid, knots[:, 0], knots[:, column]) for column in range(1, 7)])
        medial, lateral, posterior, anterior, shell, density = _smooth(rows, SMOOTHING * LOOKUP)
        cosine, sine = math.cos(angle), math.sin(angle)
        if cosine < 0:
            medial, lateral = lateral, medial
        if sine < 0:
            posterior, anterior = anterior, posterior
        right, left = np.hypot(lateral * cosine, anterior * sine), np.hypot(medial * cosine, posterior * sine)
        depth = (medial + lateral) * (posterior + anterior) / (2 * (right + left))
        return np.stack([right, left, depth, shell, density]).astype(np.float32)

    def _overshoot(self, along: FloatArray, offset: FloatArray, angle: float) -> tuple[FloatArray, FloatArray]:
        """Return how far each pixel lies beyond the flat part of either end, as (mm, mm of rounding) pairs."""
        first, last = self.caps
        before = first.rounding - first.beyond(offset, angle) - along
        after = along - np.float32(self.length) - last.beyond(offset, angle) + last.rounding
        return np.maximum(before, 0), np.maximum(after, 0)

    def _path(
        self,
        offset: FloatArray,
        half: FloatArray,
        depth: FloatArray,
        overshoot: tuple[FloatArray, FloatArray],
        shell: FloatArray | np.float32,
    ) -> FloatArray:
        lateral = (offset / half) ** 2
        if self.squareness:
            lateral = lateral * (1 - np.float32(self.squareness) * (1 - np.minimum(lateral, 2)))
        inside = 1 - lateral
        for cap, distance in zip(self.caps, overshoot, strict=True):
            inside -= (distance / np.maximum(np.float32(cap.rounding) - shell, np.float32(0.5))) ** 2
        return depth * np.sqrt(np.maximum(inside, 0))

    def _growth_gap(self, along: FloatArray, across: FloatArray) -> FloatArray | np.float32:
        """Return the share of bone left at an open growth plate: a wavy lucent line with a dense line beside it."""
        gap: FloatArray | np.float32 = np.float32(1)
        for position in self.plates:
            wave = along - np.float32(position * self.length) + np.sin(across / np.float32(6)) * np.float32(1.2)
            wave /= np.float32(self.plate_width)
            gap = gap * (1 - np.float32(0.55) * np.exp(-(wave**2)) + np.float32(0.2) * np.exp(-((wave - 2.2) ** 2)))
        return gap


def _smooth(rows: npt.NDArray[np.float64], width: float) -> FloatArray:
    """Return each row smoothed by a Gaussian of that many samples, its ends held."""
    size = 2 * round(3 * width) + 1
    kernel = cv2.getGaussianKernel(size, width)
    smooth = cv2.sepFilter2D(rows.astype(np.float32), -1, kernel, np.ones(1), borderType=cv2.BORDER_REPLICATE)
    return smooth.astype(np.float32)
