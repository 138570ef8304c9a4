"""Regions into which attention guidance draws the evidence for a picture's class."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.augmentation import augment_mask
from osteolens.data.background import exposed_body
from osteolens.data.masks import lesion_boxes

Mask = NDArray[np.uint8]


class GuidedRegions:
    """The lesion of an outlined picture; for one without a lesion, another picture's lesion at a random place.

    Parameters
    ----------
    masks
        Row of a picture to its lesion mask, uint8 0/1 [base, base]; empty masks are left out.
    lesion_free
        Rows without a lesion that are given a region.
    margin
        Width of the border around an outline that belongs to its region, as a share of the input's side.
    """

    def __init__(self, masks: Mapping[int, Mask], lesion_free: Collection[int], margin: float) -> None:
        self.masks = masks
        self.lesion_free = frozenset(lesion_free)
        self.margin = margin
        self._centres = {row: np.array(box.centre) for row, box in lesion_boxes(masks).items()}
        self._lent = sorted(self._centres)

    def of_view(
        self,
        row: int,
        picture: Mask,
        affine: NDArray[np.float64],
        generator: np.random.Generator,
        *,
        lesion_left_out: bool,
    ) -> Mask:
        """Return the region of one view of a picture, uint8 0/1 [size, size], empty where it has none.

        Parameters
        ----------
        picture
            The view, uint8 [size, size].
        affine
            Map [2, 3] from pixel centres of the base picture to those of the view.
        generator
            Draws lender and place of a random region.
        lesion_left_out
            The view was chosen so that it shows nothing of the lesion: it is one without a lesion.
        """
        size = picture.shape[0]
        outlined = row in self._centres
        if outlined and not lesion_left_out:
            region = augment_mask(self.masks[row], affine, size)
        elif self._lent and (outlined or row in self.lesion_free):
            region = self._elsewhere(picture, affine, generator)
        else:
            return np.zeros((size, size), np.uint8)
        return self._widened(region)

    def _elsewhere(self, picture: Mask, affine: NDArray[np.float64], generator: np.random.Generator) -> Mask:
        """Lay a random lesion, moved by the view's own flips, rotation and zooms, on a random point of the body."""
        lender = self._lent[generator.integers(len(self._lent))]
        body = exposed_body(picture)
        places = np.argwhere(body)
        y, x = places[generator.integers(len(places))]
        linear = affine[:, :2]
        moved = np.column_stack([linear, np.array([x, y]) - linear @ self._centres[lender]])
        return augment_mask(self.masks[lender], moved, picture.shape[0]) & body

    def _widened(self, region: Mask) -> Mask:
        reach = round(self.margin * region.shape[0])
        if reach == 0:
            return region
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        return np.asarray(cv2.dilate(region, kernel), np.uint8)
