"""Where a map reaches its threshold, on the picture that was answered and on the pixels that the file stores."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.dicom_results.answered import EvidenceMap

Mask = NDArray[np.uint8]


def region(evidence: EvidenceMap | None) -> Mask | None:
    """Return where a map reaches its threshold, 0 or 1 [H, W]; None where there is no map or it nowhere does."""
    if evidence is None:
        return None
    inside = (evidence.heat >= evidence.threshold).astype(np.uint8)
    return inside if inside.any() else None


def stored_region(evidence: EvidenceMap | None, rows: int, columns: int) -> Mask | None:
    """Return the same on `rows` x `columns` stored pixels, which differ from those answered where they are not square.

    The map is enlarged, not the mask, so that the border stays smooth.
    """
    if evidence is None or evidence.heat.shape == (rows, columns):
        return region(evidence)
    heat = cv2.resize(evidence.heat, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return region(EvidenceMap(evidence.class_name, np.asarray(heat, np.float32), evidence.threshold))
