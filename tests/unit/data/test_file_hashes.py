from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from osteolens.data.file_hashes import content_hashes
from osteolens.errors import DataError

FALSE_HASH = "f" * 64


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of two files left alone for longer than the two seconds in which nothing is remembered; one a test."""
    folders = [tmp_path_factory.mktemp("settled") for _ in range(12)]
    for folder in folders:
        for name in ("a", "b"):
            (folder / name).write_text(name)
    time.sleep(2.1)
    return iter(folders)


@pytest.fixture
def paths(settled: Iterator[Path]) -> list[Path]:
    return sorted(next(settled).iterdir())


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "hashes.json"


def make_it_lie(memory: Path) -> None:
    """Replace the remembered hashes, so that an answer shows whether it came from memory."""
    lines = json.loads(memory.read_text())
    memory.write_text(json.dumps({name: f"{line.rpartition(' ')[0]} {FALSE_HASH}" for name, line in lines.items()}))


def test_hashes_are_remembered_until_a_file_changes(paths: list[Path], memory: Path) -> None:
    assert content_hashes(paths, memory) == [sha256("a"), sha256("b")]
    make_it_lie(memory)
    assert content_hashes(paths[::-1], memory) == [FALSE_HASH, FALSE_HASH]

    paths[0].write_text("A")  # the same size
    assert content_hashes(paths, memory) == [sha256("A"), FALSE_HASH]


def test_a_change_is_seen_behind_a_restored_modification_time(paths: list[Path], memory: Path) -> None:
    content_hashes(paths, memory)
    make_it_lie(memory)
    before = paths[0].stat()
    paths[0].write_text("A")
    os.utime(paths[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert paths[0].stat().st_mtime_ns == before.st_mtime_ns
    assert content_hashes(paths, memory) == [sha256("A"), FALSE_HASH]


def test_another_file_put_in_its_place_is_seen(paths: list[Path], memory: Path) -> None:
    content_hashes(paths, memory)
    make_it_lie(memory)
    paths[1].replace(paths[0])
    assert content_hashes(paths[:1], memory) == [sha256("b")]


def test_files_just_written_or_dated_in_the_future_are_not_remembered(tmp_path: Path, memory: Path) -> None:
    young = tmp_path / "young"
    young.write_text("young")
    assert content_hashes([young], memory) == [sha256("young")]
    os.utime(young, (time.time() + 3600, time.time() + 3600))
    time.sleep(2.1)
    assert content_hashes([young], memory) == [sha256("young")]
    assert not memory.exists()


def test_files_that_are_gone_are_forgotten(paths: list[Path], memory: Path) -> None:
    content_hashes(paths[:1], memory)
    paths[0].unlink()
    content_hashes(paths[1:], memory)
    assert list(json.loads(memory.read_text())) == [str(paths[1])]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', "null"])
def test_a_damaged_memory_costs_time_only(paths: list[Path], memory: Path, damage: str) -> None:
    memory.parent.mkdir()
    memory.write_text(damage)
    assert content_hashes(paths, memory) == [sha256("a"), sha256("b")]
    make_it_lie(memory)
    assert content_hashes(paths, memory) == [FALSE_HASH, FALSE_HASH]


def test_a_memory_that_cannot_be_written_is_done_without(paths: list[Path], memory: Path) -> None:
    memory.parent.write_text("a file in the place of the folder")
    assert content_hashes(paths, memory) == [sha256("a"), sha256("b")]


def test_a_missing_file_is_named(paths: list[Path], memory: Path) -> None:
    with pytest.raises(DataError, match=r"none cannot be read: No such file"):
        content_hashes([*paths, paths[0].with_name("none")], memory)
