"""LabelMe annotations as the release has them: every lesion twice, as a rectangle and as a polygon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from osteolens.data.phantom.lesions.footprint import BoolArray

Polygon = npt.NDArray[np.float64]

LABELME_VERSION = "5.4.1"
TOLERANCE = 0.6  # pixels the polygon may stray from the contour
SMALLEST_OUTLINE = 12  # square pixels; smaller specks are not drawn
SMALLEST_POLYGON = 3  # corners
LOOSENESS = 3.0  # largest distance in pixels between outline and box


def lesion_polygons(mask: BoolArray) -> list[Polygon]:
    """Return the outlines of a mask's pieces, largest first, each (n, 2) as (x, y) in pixels.

    Specks are left out, unless the whole mask is one.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pieces = sorted(contours, key=cv2.contourArea, reverse=True)
    return [_polygon(piece) for i, piece in enumerate(pieces) if i == 0 or cv2.contourArea(piece) >= SMALLEST_OUTLINE]


def _polygon(contour: npt.NDArray[Any]) -> Polygon:
    simple = cv2.approxPolyDP(contour, TOLERANCE, closed=True)[:, 0, :].astype(np.float64)
    if len(simple) >= SMALLEST_POLYGON:
        return np.asarray(simple)
    left, top, width, height = cv2.boundingRect(contour)
    right, bottom = left + max(width - 1, 1), top + max(height - 1, 1)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def annotate(
    image_name: str,
    shape: tuple[int, int],
    lesions: Iterable[tuple[str, Polygon]],
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return one LabelMe file.

    Parameters
    ----------
    shape
        Height and width of the picture.
    lesions
        Pairs (subtype, polygon).
    generator
        Decides how loosely the box is drawn.
    """
    height, width = shape
    shapes = []
    for label, polygon in lesions:
        loose = generator.uniform(0, LOOSENESS, (2, 2)) * ((-1,), (1,))
        box = np.clip(np.stack([polygon.min(0), polygon.max(0)]) + loose, 0, (width - 1, height - 1))
        shapes += [_shape(label, box, "rectangle"), _shape(label, polygon, "polygon")]
    return {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _shape(label: str, points: Polygon, kind: str) -> dict[str, Any]:
    return {
        "label": label,
        "points": points.tolist(),
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }
