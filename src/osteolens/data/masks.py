"""Lesion masks of many images, laid on the network's input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.annotations import MaskConvention, lesion_mask
from osteolens.data.preprocessing import input_transform
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Preprocessing


class Box(NamedTuple):
    """An upright rectangle in pixels, with pixel edges (not centres) at whole numbers."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether the two have an area in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def moved(self, affine: NDArray[np.float64]) -> Box:
        """Return the upright box around this one moved by a map [2, 3] between pixel centres."""
        x, y = np.array([self.left, self.right]) - 0.5, np.array([self.top, self.bottom]) - 0.5
        corners = affine @ np.stack([x[[0, 1, 0, 1]], y[[0, 0, 1, 1]], np.ones(4)]) + 0.5
        (left, top), (right, bottom) = corners.min(axis=1), corners.max(axis=1)
        return Box(float(left), float(top), float(right), float(bottom))


def lesion_masks(
    data: RadiographSet, image_ids: Iterable[str], record: Preprocessing, *, convention: MaskConvention = "outline"
) -> dict[int, NDArray[np.uint8]]:
    """Return the masks of the annotated images among `image_ids`.

    Returns
    -------
    dict
        Position in `image_ids` to a 0/1 mask, uint8 [size, size]. Images without a lesion in their annotation, or
        without an annotation, are left out.
    """
    masks = {}
    for row, image_id in enumerate(image_ids):
        annotation = data.annotation(image_id)
        if annotation is not None and annotation.lesions:
            transform = input_transform(annotation.height, annotation.width, record)
            masks[row] = lesion_mask(annotation, record.size, record.size, convention=convention, transform=transform)
    return masks


def lesion_boxes(masks: Mapping[int, NDArray[np.uint8]]) -> dict[int, Box]:
    """Return the smallest box around all lesions of each mask; an empty mask has none."""
    sides = {row: cv2.boundingRect(mask) for row, mask in masks.items() if mask.any()}
    return {row: Box(left, top, left + width, top + height) for row, (left, top, width, height) in sides.items()}
