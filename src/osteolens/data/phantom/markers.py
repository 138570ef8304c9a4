"""Side markers burned into a picture, and exactly which pixels they touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from osteolens.data.phantom.noise import FloatArray, Picture

MarkerStyle = Literal["letter", "ringed", "plate"]

INK, PLATE = 0.97, 0.8  # brightness of letters, and of the planted plate


@dataclass(frozen=True)
class Marker:
    """A marker and the pixels it touches.

    Attributes
    ----------
    style
        A plain letter, one in a ring, or a dark letter on a bright plate: the planted one.
    box
        Left, top, right, bottom in whole pixels; right and bottom are just outside.
    """

    style: MarkerStyle
    box: tuple[int, int, int, int]


def draw_marker(
    grey: FloatArray, side: str, style: MarkerStyle, size: float, place: tuple[float, float]
) -> tuple[FloatArray, Marker]:
    """Burn a side letter in.

    Parameters
    ----------
    size
        Height of the letter in pixels.
    place
        Column and row of its middle.
    """
    column, row = place
    letter = np.zeros(grey.shape, dtype=np.uint8)
    scale, stroke = size / 21, max(round(size / 8), 1)
    (width, height), _ = cv2.getTextSize(side, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    origin = (round(column - width / 2), round(row + height / 2))
    cv2.putText(letter, side, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, stroke, cv2.LINE_AA)
    if style == "plate":
        plate = np.zeros_like(letter)
        reach = max(round(0.95 * size), 3)
        middle = np.array([round(column), round(row)])
        cv2.rectangle(plate, (middle - reach).tolist(), (middle + reach).tolist(), 255, -1)
        grey = burned_in(burned_in(grey, plate, PLATE), np.minimum(letter, plate), 1 - INK)
        return grey, Marker(style, _box(plate))
    if style == "ringed":
        cv2.circle(letter, (round(column), round(row)), round(0.95 * size), 255, max(stroke // 2, 1), cv2.LINE_AA)
    return burned_in(grey, letter, INK), Marker(style, _box(letter))


def _box(ink: Picture) -> tuple[int, int, int, int]:
    left, top, width, height = cv2.boundingRect(ink)
    return left, top, left + width, top + height


def burned_in(grey: FloatArray, ink: Picture, brightness: float) -> FloatArray:
    """Return `grey` with `ink` (255 covers fully) laid over it at that brightness, 0 to 1."""
    return (grey + (np.float32(brightness) - grey) * (ink.astype(np.float32) / 255)).astype(np.float32)


def thinnest_place(healthy: FloatArray, size: float, generator: np.random.Generator) -> tuple[float, float]:
    """Return the (column, row) with the least body behind it, of three places at each side of the picture."""
    height, width = healthy.shape
    margin, reach = 1.6 * size, max(int(size), 1)
    columns = margin + generator.uniform(0, 0.2 * width, 6)
    columns[3:] = width - columns[3:]
    rows = generator.uniform(0.06 * height + margin, 0.94 * height - margin, 6)

    def thickness(place: int) -> float:
        top, left = max(int(rows[place]) - reach, 0), max(int(columns[place]) - reach, 0)
        return float(healthy[top : top + 2 * reach, left : left + 2 * reach].mean())

    best = min(range(6), key=thickness)
    return float(columns[best]), float(rows[best])
