from __future__ import annotations

import numpy as np
import pytest

from osteolens.explain.side_by_side import Panel, side_by_side

COLOURS = ((10, 20, 30), (200, 40, 60), (5, 90, 9))


def panels(height: int, width: int, caption: str) -> list[Panel]:
    return [
        Panel(f"Class {number}", caption, np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy())
        for number, colour in enumerate(COLOURS)
    ]


@pytest.mark.parametrize(("height", "width"), [(300, 256), (20, 20), (40, 900)])
@pytest.mark.parametrize("caption", ["", "a_very_long_file_name_" * 12])
def test_every_picture_is_whole_and_free_of_text(height: int, width: int, caption: str) -> None:
    made = side_by_side(panels(height, width, caption), ["What the colours mean. " * 10, "Not for clinical use."])
    lefts = []
    for colour in COLOURS:
        rows, columns = np.nonzero((made == colour).all(axis=2))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (height, width)
        assert len(rows) == height * width
        lefts.append((rows.min(), columns.min()))
    assert len({top for top, _ in lefts}) == 1
    assert [left for _, left in lefts] == sorted(left for _, left in lefts)
    assert (made[0] == 255).all()  # nothing runs out at the edges
    assert (made[-1] == 255).all()
    assert (made[:, 0] == 255).all()
    assert (made[:, -1] == 255).all()


def test_words_stand_above_and_below() -> None:
    few = side_by_side(panels(50, 400, ""), [])
    more = side_by_side(panels(50, 400, "probability 0.9"), ["a note"])
    is_picture = [(made == COLOURS[0]).all(axis=2).any(axis=1) for made in (few, more)]
    tops = [int(rows.argmax()) for rows in is_picture]
    assert tops[1] > tops[0]
    assert (len(more) - tops[1]) > (len(few) - tops[0])
    for made, top in zip((few, more), tops, strict=True):
        assert (made[:top] == 0).any()  # black letters
