"""``osteolens infer`` for files, patterns and lists on standard input."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from command import osteolens

from osteolens.interfaces import answers_table


@pytest.fixture
def call(small_checkpoint: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(picture_folder)
    return ["infer", "--checkpoint", str(small_checkpoint), "--out", str(picture_folder.parent / "out"), "-q"]


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def told(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """Return the names of the pictures that were answered and of those that were not."""
    record = json.loads(capsys.readouterr().out)
    return [row["image"] for row in record["predictions"]], [row["image"] for row in record["failures"]]


def test_patterns_and_files_keep_their_order_and_what_is_missing_is_a_failure(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens(*call, "b/*.png", "none.png", "a/knee.png", "--json") == 1
    assert told(capsys) == (["b/knee.png", "a/knee.png"], ["none.png"])
    assert osteolens(*call, "?/*.png", "--json") == 0
    assert told(capsys) == (["a/knee.png", "b/knee.png"], [])


@pytest.mark.parametrize(
    ("data", "option"), [(b"b/knee.png\nnone.png\na/knee.png\n", ()), (b"b/knee.png\0none.png\0a/knee.png\0", ("-0",))]
)
def test_a_list_on_standard_input_is_answered_in_its_order(
    call: list[str],
    data: bytes,
    option: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    feed(monkeypatch, data)
    assert osteolens(*call, "-", *option, "--json") == 1
    assert told(capsys) == (["b/knee.png", "a/knee.png"], ["none.png"])


def test_a_list_can_stand_between_files(
    call: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, b"b/knee.png\n")
    assert osteolens(*call, "moving.gif", "-", "a", "--json") == 1
    assert told(capsys) == (["b/knee.png", "a/knee.png"], ["moving.gif"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-"], "the list on standard input is empty"),
        (["a", "--null"], "--null is about a list on standard input"),
        (["a", "--input-dir", "b"], "or name files, folders or patterns"),
        ([".", "--gradcam", "--out", "out"], "Choose a folder outside"),
    ],
)
def test_misuse_is_told(
    call: list[str],
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    feed(monkeypatch, b"\n\n")
    assert osteolens(*call, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_long_list_is_not_printed(
    call: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(answers_table, "LISTED", 3)
    assert osteolens(*call, ".") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 answered, 2 not; results in ")
    assert len(lines) == 2


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_a_name_that_is_no_text_or_breaks_the_line_loses_nothing(
    call: list[str], picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = (picture_folder / "a" / "knee.png").read_bytes()
    folder = picture_folder.parent / "odd"
    folder.mkdir()
    for name in (b"no text \xff.png", b"two\nlines.png", b"plain.png"):
        (folder / os.fsdecode(name)).write_bytes(picture)
    (folder / os.fsdecode(b"empty \xff.png")).write_bytes(b"")
    assert osteolens(*call, str(folder), "--json") == 1
    assert told(capsys) == ([r"no text \udcff.png", "plain.png", r"two\nlines.png"], [r"empty \udcff.png"])
