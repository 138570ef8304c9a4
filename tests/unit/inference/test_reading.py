from __future__ import annotations

import logging
import os
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


def test_what_is_passed_over_is_counted_in_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    for place in (folder / "deep", elsewhere):
        place.mkdir(parents=True)
    dicom = bytes(128) + b"DICM"
    for name in ("knee.ima", "x.DIC", "deep/RG.bak", "IM1", ".hidden.dcm", "DICOMDIR"):
        (folder / name).write_bytes(dicom)
    for name in ("a.png", "b.txt", "deep/c.TXT", "short.dic", "odd.a b", "d.json", "e.csv", "f.md"):
        (folder / name).write_bytes(b"x")
    (elsewhere / "g.dcm").write_bytes(dicom)
    (folder / "link").symlink_to(elsewhere)
    (folder / "one.txt.link").symlink_to(elsewhere / "none")
    with caplog.at_level(logging.WARNING, "osteolens"):
        found = list_pictures(folder)
    assert [path.relative_to(folder).as_posix() for path in found] == [
        "IM1",
        "a.png",
        "deep/RG.bak",
        "knee.ima",
        "x.DIC",
    ]
    kinds = "(.txt 2, other names 2, .csv 1, .dic 1, .json 1, further kinds 4)"
    assert caplog.messages == [f"passed over in {folder}: 11 files {kinds}."]


def test_where_nothing_is_passed_over_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(b"x")
    with caplog.at_level(logging.DEBUG, "osteolens"):
        assert list_pictures(tmp_path) == [tmp_path / "deep" / "a.png"]
    assert caplog.messages == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="other systems have no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".a.png").write_bytes(b"x")
    with (
        caplog.at_level(logging.WARNING, "osteolens"),
        pytest.raises(DataError, match="holds no picture"),
    ):
        list_pictures(tmp_path)
    assert caplog.messages == [f"passed over in {tmp_path}: 2 files (hidden 1, other names 1)."]


def test_an_empty_or_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        list_pictures(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        list_pictures(tmp_path / "none")
