"""Coloured files among the grey ones: a photographed film, a screenshot with a measuring line."""

from __future__ import annotations

import cv2
import numpy as np

from osteolens.data.phantom.noise import Picture
from osteolens.data.phantom.oddities import Colouring

TINTS = ((1.0, 0.94, 0.84), (0.86, 0.93, 1.0))  # blue and yellowish film, as factors on blue, green, red
LINES = ((0, 230, 255), (80, 220, 60), (255, 200, 60))  # yellow, green, cyan, as BGR


def coloured(picture: Picture, colouring: Colouring, generator: np.random.Generator) -> Picture:
    """Return a grey picture as BGR, (height, width, 3); the place of a line does not depend on what is shown."""
    colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if colouring == "tinted":
        tint = np.array(TINTS[int(generator.integers(len(TINTS)))], dtype=np.float32)
        return np.rint(colour * tint).astype(np.uint8)
    height, width = picture.shape
    line = LINES[int(generator.integers(len(LINES)))]
    column, top = round(generator.uniform(0.04, 0.1) * width), round(generator.uniform(0.1, 0.6) * height)
    bottom = top + round(0.25 * height)
    cv2.line(colour, (column, top), (column, bottom), line, 1, cv2.LINE_AA)
    for row in (top, bottom):
        cv2.line(colour, (column - 3, row), (column + 3, row), line, 1, cv2.LINE_AA)
    return np.asarray(colour, dtype=np.uint8)
