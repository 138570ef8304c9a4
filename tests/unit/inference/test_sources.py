from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from osteolens.inference.sources import list_sources, parse_list


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b/2.png", "b/1.png", "a/deep/3.png", "a/4.jpg", "a/notes.txt", "odd[1].png", "empty/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.as_posix() for path in paths]


@pytest.mark.usefixtures("folder")
def test_files_come_as_given_and_those_of_folders_and_patterns_sorted() -> None:
    assert names(list_sources(["b/2.png", "a", "odd[1].png"])) == ["b/2.png", "a/4.jpg", "a/deep/3.png", "odd[1].png"]
    assert names(list_sources(["b/*.png"])) == ["b/1.png", "b/2.png"]
    assert names(list_sources(["**/*.png"])) == ["a/deep/3.png", "b/1.png", "b/2.png", "odd[1].png"]
    assert names(list_sources(["?/[14].*"])) == ["a/4.jpg", "b/1.png"]


def test_a_pattern_may_begin_at_the_root(folder: Path) -> None:
    assert list_sources([f"{folder}/b/*"]) == [folder / "b/1.png", folder / "b/2.png"]


def test_a_file_named_again_in_any_way_is_answered_at_its_first_place_and_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "osteolens"):
        found = list_sources(["b/2.png", "./b", str(folder / "b/1.png"), "a/../b/2.png"])
    assert names(found) == ["b/2.png", "b/1.png"]
    told = f"named more than once and answered once: b/2.png, {folder}/b/1.png, a/../b/2.png."
    assert caplog.messages == [told]


@pytest.mark.usefixtures("folder")
def test_what_is_not_there_stays_in_its_place() -> None:
    found = list_sources(["none.png", "b/1.png", "none/*.png", "empty"])
    assert names(found) == ["none.png", "b/1.png", "none/*.png", "empty"]


def test_a_list_has_a_path_per_line_or_zero_bytes_between_them() -> None:
    assert parse_list(b"a b.png\n\nb.png\r\nc.png") == ["a b.png", "b.png", "c.png"]
    assert parse_list(b"a\nb.png\0c.png\0", null=True) == ["a\nb.png", "c.png"]
    assert parse_list(b"") == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_found(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/b/\xff.png"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    (path,) = list_sources(parse_list(raw))
    assert path.read_bytes() == b"x"
