"""Where a lesion falls on the detector, and what it changes along the ray."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteolens.data.phantom.geometry import Detector
from osteolens.data.phantom.lesions.plan import Lesion
from osteolens.data.phantom.noise import FloatArray
from osteolens.data.phantom.solids import Solid
from osteolens.data.phantom.tube import Tube

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """What one lesion does to one picture.

    Attributes
    ----------
    host
        Index of the bone it changes.
    keep
        Share of the host's bone left along each ray, (height, width), 0 to 1.
    mineral
        Added path in millimetres of compact bone.
    mass
        Added path in millimetres of soft tissue.
    growth
        Solids that join the host and share its marrow.
    outlines
        One true projection, (height, width), per outline to be drawn.
    """

    host: int
    keep: FloatArray
    mineral: FloatArray
    mass: FloatArray
    outlines: tuple[BoolArray, ...]
    growth: tuple[Solid, ...] = ()


@dataclass(frozen=True)
class Footprint:
    """Coordinates around a lesion's projected centre.

    Attributes
    ----------
    tube
        The part of the bone in which the lesion sits.
    bone
        Path in mm through the healthy bone, (height, width).
    along, across
        Millimetres from the lesion along the bone and from the bone's axis across it, (height, width).
    radius
        Distance in units of the lesion's irregular outline: below 1 is inside.
    """

    lesion: Lesion
    tube: Tube
    bone: FloatArray
    detector: Detector
    along: FloatArray
    across: FloatArray
    radius: FloatArray

    def chord(self) -> FloatArray:
        """Return the path inside the lesion, relative to its longest, 0 to 1."""
        return np.sqrt(np.maximum(1 - self.radius**2, 0))

    def shell(self, thickness: float) -> FloatArray:
        """Return the path in mm in a shell of `thickness` mm that lines the lesion."""
        inner = max(1 - thickness / self.lesion.half_width, 0.05)
        core = inner * np.sqrt(np.maximum(1 - (self.radius / np.float32(inner)) ** 2, 0))
        return np.float32(2 * self.lesion.half_width) * (self.chord() - core)


def footprint(lesion: Lesion, tube: Tube, bone: Iterable[Solid], detector: Detector) -> Footprint:
    """Work out the coordinates of a lesion in one view; `tube` is the part of `bone` in which it sits."""
    camera = detector.camera
    x, y = camera.project(tube.axis_point(lesion.position))
    start, end = camera.project(tube.start), camera.project(tube.end)
    seen = math.dist(start, end)
    direction = ((end[0] - start[0]) / seen, (end[1] - start[1]) / seen)
    offset = lesion.eccentricity * reach(tube, lesion) * math.cos(lesion.azimuth - camera.angle)
    dx, dy = detector.x - np.float32(x), detector.y - np.float32(y)
    along = dx * np.float32(direction[0]) + dy * np.float32(direction[1])
    across = dx * np.float32(direction[1]) - dy * np.float32(direction[0])
    u, v = (across - np.float32(offset)) / np.float32(lesion.half_width), along / np.float32(lesion.half_length)
    turn = np.arctan2(v, u)
    outline = np.ones_like(turn)
    for waves, (amplitude, phase) in enumerate(lesion.wobble, start=2):
        outline += np.float32(amplitude) * np.cos(waves * turn + np.float32(phase))
    radius = np.sqrt(u * u + v * v) / outline
    return Footprint(lesion, tube, silhouette(bone, detector), detector, along, across, radius)


def reach(tube: Tube, lesion: Lesion) -> float:
    """Return the bone's half width in mm in the lesion's direction."""
    medial, lateral, posterior, anterior = (float(value) for value in tube.at(lesion.position)[:4])
    cosine, sine = math.cos(lesion.azimuth), math.sin(lesion.azimuth)
    side = lateral if cosine > 0 else medial
    front = anterior if sine > 0 else posterior
    return 1 / math.hypot(cosine / side, sine / front)


def silhouette(solids: Iterable[Solid], detector: Detector) -> FloatArray:
    """Return the longest path in mm through any of the solids, (height, width)."""
    canvas = np.zeros(detector.camera.shape, dtype=np.float32)
    for solid in solids:
        patch = solid.project(detector)
        if patch is not None:
            window = patch.rows, patch.columns
            np.maximum(canvas[window], patch.outer, out=canvas[window])
    return canvas
