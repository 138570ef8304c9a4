from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osteolens.data.leakage.figure import draw_leakage
from osteolens.errors import DataError
from osteolens.palette import BLUE, ORANGE


def share(n: int, shared: int, **kinds: int) -> dict[str, Any]:
    leaking = max(shared, *kinds.values(), 0)
    return {"n": n, "shared": shared, "shared_fraction": shared / n, **kinds, "leaking": leaking}


def result_of(**kinds: int) -> dict[str, Any]:
    entry = {"per_class": {"Benign": share(8, 4, **kinds), "Normal": share(2, 0)}, "overall": share(10, 4, **kinds)}
    return {"limit": 0.2, "evaluation": {"val": entry, "test": entry}}


def pixels_of(path: Path, colour: str) -> int:
    with Image.open(path) as image:
        assert image.format == "PNG"
        grid = np.asarray(image.convert("RGB")).astype(int)
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(grid - wanted).max(axis=2) < 8).sum())


def test_bars_bear_the_colour_of_their_kind(tmp_path: Path) -> None:
    entry = result_of(duplicated=2)
    for each in entry["evaluation"].values():
        each["per_class"]["Normal"] = share(2, 0, duplicated=0)
    with_copies = draw_leakage(entry, tmp_path / "copies.png")
    cases_only = draw_leakage(result_of(), tmp_path / "new" / "cases.png")
    assert pixels_of(with_copies, ORANGE) > 200
    assert pixels_of(cases_only, ORANGE) == 0
    assert pixels_of(cases_only, BLUE) > pixels_of(with_copies, BLUE) > 2000  # one wide bar, or several narrow ones


def test_without_a_part_to_draw_there_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to draw"):
        draw_leakage({"limit": 0.0, "evaluation": {}}, tmp_path / "none.png")
    assert not list(tmp_path.iterdir())
