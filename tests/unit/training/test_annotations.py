from __future__ import annotations

import itertools

import numpy as np
import pytest

from osteolens.training.annotations import matched_lesion_free, used_annotations

LABELS = [0] * 200 + [1] * 100 + [2] * 20 + [1] * 5  # the last five have no outline
OUTLINED = range(200, 320)


@pytest.mark.parametrize(("share", "benign", "malignant"), [(1.0, 100, 20), (0.1, 10, 2), (0.01, 1, 1)])
def test_the_share_is_kept_in_each_class(share: float, benign: int, malignant: int) -> None:
    used = used_annotations(OUTLINED, LABELS, share, seed=3)
    assert np.bincount([LABELS[row] for row in used]).tolist() == [0, benign, malignant]
    assert set(used) <= set(OUTLINED)


def test_a_smaller_share_is_part_of_a_larger_one_and_seeds_differ() -> None:
    shares = [set(used_annotations(OUTLINED, LABELS, share, seed=3)) for share in (0.01, 0.1, 0.5, 1.0)]
    assert all(small < large for small, large in itertools.pairwise(shares))
    assert shares[1] == set(used_annotations(list(reversed(OUTLINED)), LABELS, 0.1, seed=3))
    assert shares[1] != set(used_annotations(OUTLINED, LABELS, 0.1, seed=4))
    assert used_annotations([], LABELS, 0.1, seed=3) == []


def test_as_large_a_share_of_normals_is_guided() -> None:
    used = used_annotations(OUTLINED, LABELS, 0.5, seed=3)  # 60 of 125 pictures with a lesion
    matched = matched_lesion_free(used, LABELS, normal=0, seed=3)
    assert len(set(matched)) == 96  # 60 / 125 of 200
    assert {LABELS[row] for row in matched} == {0}
    assert matched_lesion_free([], LABELS, normal=0, seed=3) == []


def test_an_outlined_normal_is_not_given_a_second_region() -> None:
    assert matched_lesion_free([0, 2], [0, 0, 1], normal=0, seed=3) == [1]
