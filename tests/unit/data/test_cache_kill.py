"""A cache build that is killed, that runs beside another, or that the disk refuses. Real processes, real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteolens.data.cache import cached_pictures
from osteolens.domain import Preprocessing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes and signals")

RECORD = Preprocessing(32, resize="stretch")
DEADLINE = 60.0
AN_HOUR_AGO = time.time() - 3600
BUILD = (
    "import sys; from pathlib import Path; from osteolens.data.cache import cached_pictures;"
    "from osteolens.domain import Preprocessing;"
    "cached_pictures([Path(p) for p in sys.argv[2:]], Preprocessing(32, resize='stretch'), Path(sys.argv[1]))"
)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def temporary(cache_dir: Path) -> list[Path]:
    return list(cache_dir.glob(".pictures_*"))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def start_build_that_waits(paths: list[Path], cache_dir: Path) -> tuple[subprocess.Popen[bytes], Path, bytes]:
    """Start a build of `paths`, the last of which becomes a pipe: it can be hashed, and then never ends decoding."""
    pipe = paths[-1]
    content = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    build = subprocess.Popen([sys.executable, "-c", BUILD, str(cache_dir), *map(str, paths)])  # noqa: S603
    pipe.write_bytes(content)  # waits for the reader that hashes
    wait_for(lambda: bool(temporary(cache_dir)))
    return build, pipe, content


def as_file_again(pipe: Path, content: bytes) -> None:
    pipe.unlink()
    pipe.write_bytes(content)


def test_a_killed_build_is_done_again_and_its_remains_are_removed(paths: list[Path], cache_dir: Path) -> None:
    build, pipe, content = start_build_that_waits(paths, cache_dir)
    build.send_signal(signal.SIGKILL)
    assert build.wait(DEADLINE) == -signal.SIGKILL
    as_file_again(pipe, content)
    assert list(cache_dir.glob("*.npy")) == []
    (left,) = temporary(cache_dir)
    os.utime(left, (AN_HOUR_AGO, AN_HOUR_AGO))
    rebuilt = cached_pictures(paths, RECORD, cache_dir)
    assert temporary(cache_dir) == []
    np.testing.assert_array_equal(rebuilt, cached_pictures(paths, RECORD, cache_dir.with_name("other")))


def test_a_build_does_not_remove_what_another_is_writing_however_old_it_looks(
    paths: list[Path], cache_dir: Path, tmp_path: Path
) -> None:
    build, pipe, content = start_build_that_waits(paths, cache_dir)
    (alive,) = temporary(cache_dir)
    os.utime(alive, (AN_HOUR_AGO, AN_HOUR_AGO))
    cached_pictures(paths[:1], RECORD, cache_dir)
    assert temporary(cache_dir) == [alive]
    pipe.write_bytes(content)
    assert build.wait(DEADLINE) == 0
    as_file_again(pipe, content)
    assert len(list(cache_dir.glob("*.npy"))) == 2
    made = max(cache_dir.glob("*.npy"), key=lambda path: path.stat().st_size)
    np.testing.assert_array_equal(np.load(made), cached_pictures(paths, RECORD, tmp_path / "other"))


def test_a_fresh_temporary_file_is_left_alone(paths: list[Path], cache_dir: Path) -> None:
    cache_dir.mkdir()
    young = cache_dir / ".pictures_of_another_build.npy.abc"
    young.touch()
    cached_pictures(paths, RECORD, cache_dir)
    assert young.exists()


def test_an_image_that_changes_during_the_build_is_told(paths: list[Path], cache_dir: Path) -> None:
    pipe = paths[-1]
    content = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    build = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", BUILD, str(cache_dir), *map(str, paths)], stderr=subprocess.PIPE, text=True
    )
    pipe.write_bytes(content)
    wait_for(lambda: bool(temporary(cache_dir)))
    pipe.write_bytes(paths[0].read_bytes())
    _, errors = build.communicate(timeout=DEADLINE)
    assert "2.png changed while it was read" in errors
    assert list(cache_dir.glob("*.npy")) == temporary(cache_dir) == []


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(paths: list[Path], cache_dir: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500));" + BUILD
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", limited, str(cache_dir), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert "StorageError: cannot write" in run.stderr
    assert list(cache_dir.glob("*.npy")) == temporary(cache_dir) == []


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"no array at all"])
def test_a_damaged_cache_is_made_again(paths: list[Path], cache_dir: Path, damage: bytes) -> None:
    before = np.array(cached_pictures(paths, RECORD, cache_dir))
    (file,) = cache_dir.glob("*.npy")
    file.write_bytes(damage)
    np.testing.assert_array_equal(cached_pictures(paths, RECORD, cache_dir), before)


def test_a_cache_cut_short_is_made_again(paths: list[Path], cache_dir: Path) -> None:
    before = np.array(cached_pictures(paths, RECORD, cache_dir))
    (file,) = cache_dir.glob("*.npy")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1000])
    np.testing.assert_array_equal(cached_pictures(paths, RECORD, cache_dir), before)
    assert file.read_bytes() == whole
