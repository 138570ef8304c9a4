"""The contact sheet is a PNG of the stated size that shows every picture asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from osteolens.data.phantom.contact_sheet import contact_sheet
from osteolens.errors import DataError


def test_sheet_holds_a_picture_and_a_caption_in_every_cell(phantom: Path, tmp_path: Path) -> None:
    sheet = cv2.imread(str(contact_sheet(phantom, tmp_path / "sheet.png", columns=4, rows=2)))
    assert sheet.shape == (2 * 282, 4 * 260, 3)
    for row in range(2):
        for column in range(4):
            cell = sheet[row * 282 : (row + 1) * 282, column * 260 : (column + 1) * 260]
            assert cell[:260].std() > 10
            assert cell[262:].max() > 200


def test_missing_picture_is_named(phantom: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "dataset.csv").write_text((phantom / "dataset.csv").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DataError, match="IMG000001"):
        contact_sheet(tmp_path, tmp_path / "sheet.png", columns=1, rows=1)
