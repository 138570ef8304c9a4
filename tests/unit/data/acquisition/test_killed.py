"""kill -9 at chosen points of a download, then the same call again: the same tree as without the kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from osteolens.data.acquisition import Release, download
from osteolens.data.acquisition.places import Places

PATIENCE = 60.0  # seconds to wait for another process

# Runs a download in a process of its own that reports with a marker file and falls asleep at a chosen point:
# before the call of a function, or after two items of a progress bar.
DRIVER = """
import importlib, json, pathlib, signal, sys
from osteolens.data.acquisition import Release, download

root, marker, release, module, name = sys.argv[1:]
stage = importlib.import_module(f"osteolens.data.acquisition.{module}")

def stop(*args, **options):
    pathlib.Path(marker).touch()
    while True:
        signal.pause()

def track(items, *args, **options):
    for number, item in enumerate(items):
        if number == 2:
            stop()
        yield item

if name:
    setattr(stage, name, track if name == "track" else stop)
download(pathlib.Path(root), Release(**json.loads(release)))
"""


def start(root: Path, marker: Path, release: Release, module: str, name: str) -> subprocess.Popen[bytes]:
    arguments = [str(root), str(marker), json.dumps(asdict(release)), module, name]
    return subprocess.Popen([sys.executable, "-c", DRIVER, *arguments])  # noqa: S603  our own interpreter


def wait_for(process: subprocess.Popen[bytes], condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, "the process ended before it was killed"
        assert time.monotonic() < deadline, "the process never came to the point"
        time.sleep(0.01)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    assert process.wait() == -9


def tree(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.suffix != ".lock"}


@pytest.fixture
def undisturbed(server: Any, content: bytes, small_set: Any, tmp_path: Path) -> dict[str, bytes]:
    """What a download without a kill leaves, the kept ZIP included."""
    download(tmp_path / "undisturbed" / "small", small_set.release(content, server.url()))
    server.seen.clear()
    return tree(tmp_path / "undisturbed")


@pytest.mark.slow
def test_killed_while_receiving(  # noqa: PLR0917  fixtures
    server: Any, content: bytes, small_set: Any, tmp_path: Path, reply: Any, undisturbed: dict[str, bytes]
) -> None:
    root = tmp_path / "killed" / "small"
    release = small_set.release(content, server.url())
    server.script = [reply(stall_after=412_345)]
    process = start(root, tmp_path / "marker", release, "run", "")
    part = Places.of(root).archive.with_name("archive.zip.part")
    wait_for(process, lambda: part.is_file() and part.stat().st_size == 412_345)
    kill(process)
    assert not root.exists()
    download(root, release)
    assert tree(root.parent) == undisturbed
    assert [seen.range for seen in server.seen] == [None, "bytes=412345-"]
    assert server.seen[1].sent == len(content) - 412_345


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "there"),
    [
        ("run", "_unpack", False),  # received, nothing unpacked
        ("archive", "track", False),  # two members unpacked
        ("verify", "track", False),  # unpacked, two files checked
        ("run", "_give_name", False),  # checked, not yet named
        ("run", "_keep_or_drop", True),  # named, the ZIP not yet in its place
    ],
)
def test_killed_after_receiving(  # noqa: PLR0917  fixtures
    server: Any,
    content: bytes,
    small_set: Any,
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    module: str,
    name: str,
    *,
    there: bool,
) -> None:
    root, marker = tmp_path / "killed" / "small", tmp_path / "marker"
    release = small_set.release(content, server.url())
    process = start(root, marker, release, module, name)
    wait_for(process, marker.exists)
    kill(process)
    assert root.exists() == there
    result = download(root, release)
    assert result.already_there == there
    assert tree(root.parent) == undisturbed
    assert len(server.seen) == 1  # what was received is not fetched again
