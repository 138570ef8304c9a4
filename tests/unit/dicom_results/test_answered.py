"""What an answer may not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dicom_answers import answer_for, hot_corner

from osteolens.dicom_results.answered import EvidenceMap
from osteolens.errors import InferenceError

PICTURE = np.zeros((20, 30), np.uint8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conformal_set": ("Cyst",)}, "tells of Cyst"),
        ({"evidence": EvidenceMap("Cyst", hot_corner(20, 30))}, "tells of Cyst"),
        ({"evidence": EvidenceMap("Benign", hot_corner(30, 20))}, r"\(30, 20\) lies on a picture of \(20, 30\)"),
        ({"model_id": ""}, "1 to 64 letters"),
        ({"model_id": "x" * 65}, "1 to 64 letters"),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InferenceError, match=words):
        answer_for(PICTURE, **changes)


@pytest.mark.parametrize(
    ("heat", "threshold"),
    [
        (np.full((2, 2), 1.1, np.float32), 0.5),
        (np.full((2, 2), -0.1, np.float32), 0.5),
        (np.full((2, 2), np.nan, np.float32), 0.5),
        (np.zeros((2, 2, 2), np.float32), 0.5),
        (np.zeros((2, 2), np.float32), 0.0),
        (np.zeros((2, 2), np.float32), 1.5),
    ],
)
def test_a_map_outside_its_range_is_refused(heat: Any, threshold: float) -> None:
    with pytest.raises(InferenceError, match="map"):
        EvidenceMap("Benign", heat, threshold)
