from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteolens.data.preprocessing import read_input
from osteolens.domain import Preprocessing
from osteolens.errors import DataError
from osteolens.inference.reading import list_pictures, read_batches

RECORD = Preprocessing(size=32)


def test_batches_hold_what_could_be_read_and_tell_the_rest(picture_folder: Path) -> None:
    first, second = read_batches(list_pictures(picture_folder), RECORD, 3, "reading")
    assert first.names == ("a/knee.png", "b/knee.png")
    assert first.paths == tuple(picture_folder / name for name in first.names)
    for path, picture in zip(first.paths, first.pictures, strict=True):
        np.testing.assert_array_equal(picture, read_input(path, RECORD))
    assert [failure.image for failure in first.failures] == ["broken.jpg"]
    assert (second.names, second.pictures.shape) == ((), (0, 32, 32))
    assert [failure.image for failure in second.failures] == ["moving.gif"]
    assert "is not a JPEG, PNG, BMP, TIFF or DICOM picture" in second.failures[0].reason


def test_one_file_is_named_without_its_folder(picture_folder: Path) -> None:
    (batch,) = read_batches([picture_folder / "a" / "knee.png"], RECORD, 8, "reading")
    assert batch.names == ("knee.png",)


def test_an_empty_or_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        list_pictures(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        list_pictures(tmp_path / "none")
