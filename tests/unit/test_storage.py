from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
import torch

from osteolens.errors import DataError, StorageError
from osteolens.storage import (
    RunFolder,
    atomic_writer,
    exclusive,
    file_word,
    fingerprint,
    read_json,
    read_table,
    sha256_bytes,
    sha256_file,
    to_json,
    write_json,
    write_table,
    write_text,
)

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, error: BaseException) -> NoReturn:
    with atomic_writer(path, "w") as stream:
        stream.write("half of the new")
        stream.flush()
        raise error


def save_checkpoint_like(path: Path) -> None:
    """Write as checkpoints are written: torch hides the system's refusal in the middle of a file behind its own."""
    with atomic_writer(path) as stream:
        torch.save([torch.zeros(50_000), torch.zeros(50_000)], stream)


def test_a_file_appears_with_its_folders_and_can_be_read_by_others(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a" / "b" / "note.txt", "größer\n")
    assert path.read_bytes() == "größer\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_text(tmp_path / "result.txt", "old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


def test_the_old_file_stays_in_place_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = write_text(tmp_path / "result.txt", "old")
    with atomic_writer(path, "w") as stream:
        stream.write("new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["result.txt"]


def test_a_new_file_stays_away_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        write_half(tmp_path / "result.txt", OSError(errno.ENOSPC, "No space left on device"))
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_disk_that_is_full_in_the_middle_of_a_checkpoint_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / ".weights.pt.12345678"

    def full(**_: object) -> tuple[int, str]:
        temporary.touch()
        return os.open("/dev/full", os.O_WRONLY), str(temporary)

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(StorageError, match=r"no space left to write .*weights\.pt"):
        save_checkpoint_like(tmp_path / "weights.pt")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match=r"weights\.pt: it is larger than a file may be here.*another folder"):
            save_checkpoint_like(tmp_path / "weights.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_an_error_that_is_not_the_systems_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        write_half(tmp_path / "result.txt", RuntimeError("out of memory"))
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        write_text(tmp_path / "results" / "run" / "metrics.json", "{}")
    assert (tmp_path / "results").read_text() == "a file"


def test_a_folder_in_the_place_of_a_file_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "metrics.json" / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"metrics\.json"):
        write_text(tmp_path / "metrics.json", "{}")
    assert names(tmp_path) == ["metrics.json"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="no permission"):
            write_text(tmp_path / "a.txt", "x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that takes no folders")
def test_a_place_that_takes_no_folders_is_told_with_the_options_that_lead_there() -> None:
    place = Path("/proc/osteolens/run")
    for hold in (atomic_writer(place / "a.txt"), exclusive(place, place / ".lock", "busy")):
        with pytest.raises(StorageError) as caught, hold:
            pass
        assert "No such file or directory. Choose another folder" in str(caught.value)
        assert all(f"paths.{name}_dir" in str(caught.value) for name in ("results", "checkpoints", "splits", "cache"))


def test_any_other_refusal_of_the_system_is_typed_as_well(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        write_text(tmp_path / ("x" * 300), "too long a name")
    assert names(tmp_path) == []


def test_json_has_null_for_what_is_not_a_number(tmp_path: Path) -> None:
    value = {
        "nan": float("nan"),
        "infinite": [float("inf"), -np.inf],
        "array": np.array([[1.0, np.nan]]),
        "scalars": (np.int64(3), np.float32(0.5), np.bool_(True)),
        "path": Path("a") / "b",
        "word": "größer",
        2: None,
    }
    path = write_json(tmp_path / "value.json", value)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "nan": None,
        "infinite": [None, None],
        "array": [[1.0, None]],
        "scalars": [3, 0.5, True],
        "path": "a/b",
        "word": "größer",
        "2": None,
    }
    assert "NaN" not in path.read_text(encoding="utf-8")
    assert "größer" in to_json(value)
    assert read_json(path)["nan"] is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a": }'])
def test_a_damaged_json_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "value.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"value\.json is not a readable JSON file"):
        read_json(path)


def test_a_json_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "value.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "value.json") == {"a": 1}


def test_missing_files_are_told(tmp_path: Path) -> None:
    for read in (read_json, read_table, sha256_file):
        with pytest.raises(DataError, match=r"none\.csv"):
            read(tmp_path / "none.csv")
        with pytest.raises(DataError):
            read(tmp_path)


def test_cells_of_a_table_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'\xef\xbb\xbfimage_id,case_id,note\n0012,1e3,NA\nb,,"x, y"\n')
    table = read_table(path)
    assert table.to_dict("list") == {"image_id": ["0012", "b"], "case_id": ["1e3", ""], "note": ["NA", "x, y"]}


def test_table_round_trip(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": ["x", "größer, y", ""], "b": ["1", "2", "3"]})
    path = write_table(tmp_path / "table.csv", table)
    assert path.read_bytes().startswith(b"a,b\nx,1\n")
    assert read_table(path).equals(table.astype("str"))


@pytest.mark.parametrize(
    "content", [b"", b"image_id,split\n\xff\xfe,train\n", b"a,b\n1,2\n1,2,3\n", b"image_id,split\na,train,\nb,test,\n"]
)
def test_a_table_that_cannot_be_trusted_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"table\.csv"):
        read_table(path)


def test_hashes_are_sha256(tmp_path: Path) -> None:
    assert sha256_bytes(b"abc") == SHA256_OF_ABC
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_file(tmp_path / "abc") == SHA256_OF_ABC
    large = bytes(range(256)) * 12_000  # several pieces
    (tmp_path / "large").write_bytes(large)
    assert sha256_file(tmp_path / "large") == hashlib.sha256(large).hexdigest()


def test_a_fingerprint_depends_on_values_not_on_the_order_of_keys() -> None:
    one = fingerprint({"a": [1, 2], "b": {"c": 0.5, "d": None}})
    assert fingerprint({"b": {"d": None, "c": 0.5}, "a": (1, 2)}) == one
    others = [{"a": [2, 1], "b": {"c": 0.5, "d": None}}, {"a": [1, 2], "b": {"c": 0.5}}, [1, 2], "1", 1, None]
    assert len({one, *map(fingerprint, others)}) == 7
    assert len(one) == 16
    assert int(one, 16) >= 0


def test_the_files_of_a_run_lie_in_its_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    names = [name for name in dir(RunFolder) if isinstance(getattr(RunFolder, name), property)]
    paths = [getattr(run, name) for name in names]
    assert len(set(paths)) == len(paths) >= 10
    assert all(path.parent == tmp_path for path in paths)


def test_names_become_parts_of_file_names() -> None:
    assert file_word("Höhle 3/4: grade-1.b") == "Höhle_3_4__grade-1.b"
    assert file_word("../up") == ".._up"


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, "644"), (0o077, "600")])
def test_files_have_the_rights_that_the_user_wants(tmp_path: Path, umask: int, mode: str) -> None:
    path = tmp_path / "file"
    call = f"from pathlib import Path; from osteolens.storage import write_text; write_text(Path({str(path)!r}), '')"
    subprocess.run([sys.executable, "-c", call], check=True, umask=umask)  # noqa: S603  our own interpreter
    assert f"{path.stat().st_mode & 0o777:o}" == mode


def test_names_that_are_no_text_have_a_fingerprint() -> None:
    assert fingerprint(["a\udcff"]) != fingerprint(["a\udcfe"])
