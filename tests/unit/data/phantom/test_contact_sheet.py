"""The contact sheet is a PNG of the stated size that shows every picture asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pandas as pd
import pytest

from osteolens.data.phantom.contact_sheet import contact_sheet
from osteolens.errors import DataError


def test_sheet_holds_a_picture_and_a_caption_in_every_cell(phantom: Path, tmp_path: Path) -> None:
    sheet = cv2.imread(str(contact_sheet(phantom, tmp_path / "sheet.png", columns=4, rows=2)))
    assert sheet.shape == (2 * 300, 4 * 260, 3)
    for row in range(2):
        for column in range(4):
            cell = sheet[row * 300 : (row + 1) * 300, column * 260 : (column + 1) * 260]
            assert cell[:260].std() > 10
            assert cell[280:].max() > 200


def test_missing_picture_is_named(phantom: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("dataset.csv", "truth.csv"):
        shutil.copyfile(phantom / name, tmp_path / name)
    table = pd.read_csv(phantom / "dataset.csv")
    first = table.loc[table["osteochondroma"] == 1, "image_id"].iloc[0]  # a picture of each subtype comes first
    with pytest.raises(DataError, match=first):
        contact_sheet(tmp_path, tmp_path / "sheet.png", columns=1, rows=1)
