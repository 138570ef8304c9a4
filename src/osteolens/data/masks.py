"""Lesion masks of many images, laid on the network's input."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from osteolens.data.annotations import MaskConvention, lesion_mask
from osteolens.data.preprocessing import input_transform
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Preprocessing


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
