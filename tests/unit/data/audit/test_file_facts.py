from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteolens.data.audit.file_facts import read_file_facts
from osteolens.errors import DataError


def grey(height: int, width: int) -> Image.Image:
    values = np.add.outer(np.arange(height), np.arange(width)) % 256
    return Image.fromarray(values.astype(np.uint8))


def test_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    grey(30, 50).save(tmp_path / "turned.jpeg", exif=exif)
    grey(30, 50).save(tmp_path / "plain.jpeg")
    turned, plain = (read_file_facts(tmp_path / f"{name}.jpeg") for name in ("turned", "plain"))
    assert (turned.width, turned.height) == (30, 50)
    assert (plain.width, plain.height) == (50, 30)
    assert plain.kind == "JPEG L"
    assert plain.sha256 == hashlib.sha256((tmp_path / "plain.jpeg").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "mark", "coloured"),
    [("grey.jpeg", None, False), ("mark.jpeg", (0, 0, 12, 12), True), ("speck.png", (0, 0, 2, 2), False)],
)
def test_colour_is_what_is_seen_not_how_it_is_stored(
    tmp_path: Path, name: str, mark: tuple[int, int, int, int] | None, coloured: bool
) -> None:
    """At 200 x 200, a mark of 12 x 12 is 0.4% of the picture, a speck of 2 x 2 is 0.01%."""
    picture = grey(200, 200).convert("RGB")
    if mark is not None:
        picture.paste((255, 0, 0), mark)
    picture.save(tmp_path / name)
    facts = read_file_facts(tmp_path / name)
    assert facts.kind.endswith(" RGB")
    assert facts.coloured is coloured


def test_a_file_that_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.jpeg").write_text("no picture", encoding="utf-8")
    with pytest.raises(DataError, match=r"text\.jpeg"):
        read_file_facts(tmp_path / "text.jpeg")
    with pytest.raises(DataError, match="cannot be read"):
        read_file_facts(tmp_path / "absent.jpeg")
