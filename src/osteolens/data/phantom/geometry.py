"""The camera: where a point of the limb falls on the detector, and which pixels a solid can touch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteolens.data.phantom.noise import FloatArray

Point3 = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A parallel projection of the limb.

    The limb's axes are x to its outer (lateral) side, y down along the limb, z to the front, in millimetres. The limb
    is turned by `angle` about y (0 frontal, pi/2 lateral), then laid on the detector with `tilt` and `mirror`.

    Attributes
    ----------
    shape
        Height and width of the detector in pixels.
    pitch
        Size of a pixel in millimetres.
    centre
        Point of the turned limb (x, y) that falls on the middle of the detector.
    mirror
        -1 shows the other side of the body, else 1.
    """

    shape: tuple[int, int]
    pitch: float
    centre: tuple[float, float]
    angle: float
    tilt: float = 0.0
    mirror: int = 1

    def project(self, point: Point3) -> tuple[float, float]:
        """Return the in-plane position (x, y) in millimetres of a point of the limb."""
        x, y, z = point
        return x * math.cos(self.angle) + z * math.sin(self.angle), y

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return (column, row) of an in-plane position in millimetres."""
        dx, dy = (x - self.centre[0]) / self.pitch, (y - self.centre[1]) / self.pitch
        cosine, sine = math.cos(self.tilt), math.sin(self.tilt)
        column = self.mirror * (cosine * dx - sine * dy)
        return column + self.shape[1] / 2, sine * dx + cosine * dy + self.shape[0] / 2

    def plane(self) -> tuple[FloatArray, FloatArray]:
        """Return the in-plane x and y in millimetres of every pixel, each ``shape``."""
        height, width = self.shape
        columns = (self.mirror * (np.arange(width, dtype=np.float32) + 0.5 - width / 2))[None, :]
        rows = (np.arange(height, dtype=np.float32) + 0.5 - height / 2)[:, None]
        cosine, sine = math.cos(self.tilt), math.sin(self.tilt)
        x = (cosine * columns + sine * rows) * self.pitch + self.centre[0]
        y = (-sine * columns + cosine * rows) * self.pitch + self.centre[1]
        return x.astype(np.float32), y.astype(np.float32)

    def window(self, corners: npt.NDArray[np.float64]) -> tuple[slice, slice] | None:
        """Return the rows and columns that hold all `corners` ((n, 2) in mm), or None when they miss the detector."""
        pixels = np.array([self.to_pixel(float(x), float(y)) for x, y in corners])
        low, high = np.floor(pixels.min(0)).astype(int) - 1, np.ceil(pixels.max(0)).astype(int) + 2
        left, right = max(low[0], 0), min(high[0], self.shape[1])
        top, bottom = max(low[1], 0), min(high[1], self.shape[0])
        if left >= right or top >= bottom:
            return None
        return slice(top, bottom), slice(left, right)


@dataclass(frozen=True)
class Detector:
    """A camera with its pixel coordinates worked out, bent a little so that no bone is a perfect ellipse.

    Attributes
    ----------
    x, y
        In-plane position in millimetres of every pixel, (height, width).
    """

    camera: Camera
    x: FloatArray
    y: FloatArray
