"""Lesions that take bone away: cyst, giant cell tumour, osteofibroma, enchondroma, moth-eaten destruction."""

from __future__ import annotations

import cv2
import numpy as np

from osteolens.data.phantom.lesions.footprint import BoolArray, Effect, Footprint
from osteolens.data.phantom.noise import FloatArray, smooth_noise

FALLEN_FRAGMENT = 0.3  # share of cysts in which a piece of broken wall has sunk to the bottom


def simple_bone_cyst(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Central, well defined lucency that thins the cortex, inside a thin dense rim; at times a fallen fragment."""
    mineral = spot.shell(generator.uniform(0.7, 1.3)) * np.float32(0.9)
    if generator.random() < FALLEN_FRAGMENT:
        mineral = mineral + _fragment(spot)
    return _cavity(spot, depth=0.92, mineral=mineral, outline=spot.radius < 1)


def giant_cell_tumor(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Eccentric lucency up to the joint surface, without a dense rim, crossed by the ridges of a soap bubble."""
    ridges = _ridges(generator, spot.radius.shape, spot.lesion.half_width * 0.8 / spot.detector.camera.pitch)
    ridges *= spot.chord() * np.float32(1.6)
    outline = (spot.radius < 1) & (spot.bone > 0)
    return _cavity(spot, depth=0.95, mineral=ridges, outline=outline, wall=0.3)


def osteofibroma(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Bubbles in the cortex with dense walls, drawn out along the shaft."""
    walls = _ridges(generator, spot.radius.shape, spot.lesion.half_width * 0.9 / spot.detector.camera.pitch)
    mineral = spot.shell(1.6) * np.float32(0.8) + walls * spot.chord() * np.float32(3.5)
    return _cavity(spot, depth=0.8, mineral=mineral, outline=spot.radius < 1)


def enchondroma(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Central lobed lucency that holds dots and rings of calcium."""
    dots = _dots(generator, spot, spot.detector.camera.pitch)
    outline = (spot.radius < 1) & (spot.bone > 0)
    return _cavity(spot, depth=0.8, mineral=dots, outline=outline)


def moth_eaten(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Many small holes without a border, through the cortex, with a faint soft-tissue swelling."""
    shape, pitch = spot.radius.shape, spot.detector.camera.pitch
    fade = np.clip(1.25 - spot.radius, 0, 0.5) * 2
    holes = smooth_noise(generator, shape, max(2.0 / pitch, 1.6)) + smooth_noise(generator, shape, 5 / pitch) * 0.6
    keep = 1 - fade * np.clip(0.45 + 0.42 * holes, 0, 0.95)
    swelling = np.sqrt(np.maximum(1 - (spot.radius / 1.25) ** 2, 0)) * np.float32(0.4 * spot.lesion.half_width)
    inside = spot.bone > 0
    outline = (spot.radius < 1.1) & inside
    still = np.zeros(shape, dtype=np.float32)
    return Effect(spot.lesion.host.bone, keep.astype(np.float32), still, swelling.astype(np.float32), (outline,))


def _cavity(spot: Footprint, *, depth: float, mineral: FloatArray, outline: BoolArray, wall: float = 0.45) -> Effect:
    """Return the effect of a hole with a sharp border.

    Parameters
    ----------
    depth
        Share of bone missing in its middle.
    wall
        Exponent of the hole's path: the smaller, the steeper its border.
    """
    keep = 1 - np.float32(depth) * spot.chord() ** np.float32(wall)
    none = np.zeros_like(keep)
    return Effect(spot.lesion.host.bone, keep, mineral.astype(np.float32), none, (outline,))


def _fragment(spot: Footprint) -> FloatArray:
    """Return a sliver of cortex lying at the bottom of the cavity, as mm of compact bone."""
    lesion = spot.lesion
    level = spot.along - np.float32(0.55 * lesion.half_length) - np.float32(0.35) * spot.across
    thickness = np.float32(max(0.9, 0.9 * spot.detector.camera.pitch))
    inside = (np.abs(spot.across) < 0.45 * lesion.half_width) & (spot.radius < 0.9)
    return (np.exp(-((level / thickness) ** 2)) * inside * np.float32(3.0)).astype(np.float32)


def _ridges(generator: np.random.Generator, shape: tuple[int, int], spacing: float) -> FloatArray:
    """Return a net of thin walls between bubbles about `spacing` pixels wide, 0 to 1."""
    field = smooth_noise(generator, shape, max(spacing, 3.0))
    return np.exp(-((field / np.float32(0.16)) ** 2)).astype(np.float32)


def _dots(generator: np.random.Generator, spot: Footprint, pitch: float) -> FloatArray:
    """Return calcified dots and rings inside the lesion, as mm of compact bone."""
    canvas = np.zeros(spot.radius.shape, dtype=np.float32)
    rows, columns = np.nonzero(spot.radius < 0.8)
    count = int(generator.integers(8, 20))
    if not rows.size:
        return canvas
    for chosen in generator.integers(rows.size, size=count):
        size = generator.uniform(0.6, 1.6) / pitch
        centre = (round(float(columns[chosen]) * 16), round(float(rows[chosen]) * 16))
        thickness = -1 if generator.random() < 0.6 else 1
        cv2.circle(canvas, centre, round(max(size, 1.0) * 16), 1.0, thickness, cv2.LINE_8, shift=4)
    return cv2.GaussianBlur(canvas, (0, 0), 0.8) * np.float32(generator.uniform(6, 11))
