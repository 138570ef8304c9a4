"""The verb `phantom`: options reach the generator, sheet and ZIP are written where asked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import pandas as pd
import pytest

from osteolens.errors import ConfigError
from osteolens.interfaces.verbs.phantom import phantom


def test_options_reach_the_generator_and_every_file_is_written(tmp_path: Path) -> None:
    overrides = ["phantom.images=30", "phantom.longest_side=96", "phantom.sites=[hand]", "phantom.shortcuts.marker=1"]
    root, sheet, archive = tmp_path / "data", tmp_path / "sheet.png", tmp_path / "BTXRD.zip"
    phantom(override=overrides, data=root, sheet=sheet, zip_file=archive, quiet=True)
    truth = pd.read_csv(root / "truth.csv")
    assert len(truth) == 30
    assert set(truth["scene"]) == {"hand"}
    assert ((truth["marker"] == "plate") == (truth["label"] == "Malignant")).all()
    assert cv2.imread(str(sheet)) is not None
    with zipfile.ZipFile(archive) as packed:
        assert sum("/images/" in name for name in packed.namelist()) == 30


def test_a_sheet_that_would_not_be_a_png_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.png"):
        phantom(data=tmp_path / "data", sheet=tmp_path / "sheet.jpg", quiet=True)
    assert not (tmp_path / "data").exists()
