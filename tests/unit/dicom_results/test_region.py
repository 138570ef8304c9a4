"""The region of a map on square and on stored pixels."""

from __future__ import annotations

import numpy as np
from dicom_answers import hot_corner

from osteolens.dicom_results.answered import EvidenceMap
from osteolens.dicom_results.region import region, stored_region


def test_the_region_is_where_the_map_reaches_its_threshold() -> None:
    heat = np.array([[0.0, 0.49, 0.5], [0.51, 1.0, 0.2]], np.float32)
    inside = region(EvidenceMap("Benign", heat, 0.5))
    assert inside is not None
    assert inside.tolist() == [[0, 0, 1], [1, 1, 0]]


def test_no_map_and_a_map_without_evidence_have_no_region() -> None:
    assert region(None) is None
    assert region(EvidenceMap("Benign", np.zeros((4, 4), np.float32))) is None
    assert stored_region(None, 8, 4) is None


def test_pixels_twice_as_high_as_wide_get_the_region_back_at_their_own_size() -> None:
    inside = stored_region(EvidenceMap("Benign", hot_corner(40, 40)), 20, 40)
    assert inside is not None
    assert inside.shape == (20, 40)
    assert inside[:9, :19].all()
    assert not inside[11:].any()
    assert not inside[:, 21:].any()
