"""The burnt-in picture: the radiograph is left whole, words stand above and below it."""

from __future__ import annotations

import numpy as np
from dicom_answers import answer_for

from osteolens.dicom_results.answered import EvidenceMap
from osteolens.dicom_results.drawing import NARROWEST, burnt_in


def _striped(height: int, width: int) -> np.ndarray:
    return np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))


def _place(drawn: np.ndarray, picture: np.ndarray) -> int:
    """The row at which a grey picture stands in a drawing, -1 where it does not."""
    rgb = np.repeat(picture[..., None], 3, axis=2)
    starts = range(drawn.shape[0] - len(picture) + 1)
    return next((top for top in starts if np.array_equal(drawn[top : top + len(picture)], rgb)), -1)


def test_without_a_map_the_radiograph_stands_unchanged_between_words() -> None:
    picture = _striped(300, NARROWEST)
    drawn = burnt_in(answer_for(picture, evidence=None))
    top = _place(drawn, picture)
    assert drawn.shape[1] == NARROWEST
    assert top > 0
    assert drawn[:top].max() > 200  # the notice
    assert drawn[top + 300 :].max() > 200  # the answer


def test_a_map_colours_and_outlines_only_where_it_is() -> None:
    picture = np.full((700, 800), 120, np.uint8)
    heat = np.zeros((700, 800), np.float32)
    heat[100:200, 100:200] = 1
    plain = burnt_in(answer_for(picture, evidence=None))
    drawn = burnt_in(answer_for(picture, evidence=EvidenceMap("Malignant", heat)))
    top = _place(plain, picture)
    changed = (drawn[top : top + 700] != 120).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (100, 199, 100, 199)
    assert tuple(drawn[top + 100, 150]) == (0, 229, 255)  # the outline's colour


def test_a_small_picture_is_enlarged_by_a_whole_number() -> None:
    assert burnt_in(answer_for(_striped(50, 331))).shape[1] == 662
    assert burnt_in(answer_for(_striped(16, 16))).shape[1] == 640


def test_an_answer_of_many_long_words_keeps_within_its_width() -> None:
    names = {f"a class whose name is very long indeed, number {number}": 0.1 for number in range(10)}
    drawn = burnt_in(
        answer_for(
            _striped(40, 700), probabilities=names, calibrated=None, calls=(), conformal_set=tuple(names), evidence=None
        )
    )
    assert drawn.shape[1] == 700
    assert not drawn[-100:, -3:].any()  # nothing runs out at the right
