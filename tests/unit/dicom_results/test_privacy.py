"""Nobody but the owner reads patient data, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicom_answers import results_of, write_radiograph

from osteolens.dicom_results.privacy import private_folder, private_writer


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_results_are_for_their_owner(tmp_path: Path) -> None:
    files = results_of(write_radiograph(tmp_path / "a.dcm")).write(tmp_path / "out")
    assert [_mode(path) for path in files] == [0o600] * 3
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)


@pytest.mark.usefixtures("umask")
def test_a_folder_that_is_made_is_for_its_owner_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "new")
    assert _mode(tmp_path / "a" / "new") == 0o700
    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o750)
    private_folder(tmp_path / "old")
    assert _mode(tmp_path / "old") == 0o750


def test_a_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def fail() -> None:
        with private_writer(tmp_path / "a") as stream:
            stream.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
