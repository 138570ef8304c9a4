"""Content hashes of many files, remembered for files that have not changed since they were hashed."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from osteolens.errors import DataError, StorageError
from osteolens.progress import track
from osteolens.storage import read_json, sha256_file, write_json

logger = logging.getLogger("osteolens")

HASHING_THREADS = 4
SETTLED_AFTER = 2_000_000_000  # nanoseconds; the coarsest file clock in use (FAT) ticks every two seconds


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A file's hash, with the line that may be remembered for it (empty: its state is too young to be told apart)."""

    path: str
    sha256: str
    line: str


def content_hashes(paths: Sequence[Path], memory: Path | None = None) -> list[str]:
    """Return the SHA-256 of every file; a file is read only when it may have changed since it was last read.

    Parameters
    ----------
    memory
        JSON file of earlier hashes. It is read and rewritten here, and may be deleted at any time: damaged, outdated
        or unwritable, it costs time and never a wrong hash. None remembers nothing.

    Notes
    -----
    A hash is remembered together with size, modification time, change time and inode, and counts only while all four
    are the same. The change time cannot be set back by a program, so a restored modification time does not hide a
    change. A file touched within two seconds of being hashed, or in the future of a clock that went back, is not
    remembered: it could change again without a visible sign.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    known = {} if memory is None else _read(memory)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashed = pool.map(lambda path: _hash(path, known), paths)
        found = list(track(hashed, "hashing images", total=len(paths)))
    fresh = {entry.path: entry.line for entry in found if entry.line and known.get(entry.path) != entry.line}
    if memory is not None and fresh:
        _write(memory, {**known, **fresh})
    return [entry.sha256 for entry in found]


def _hash(path: Path, known: dict[str, str]) -> _Hashed:
    name, (state, _) = str(path.absolute()), _state(path)
    remembered, _, digest = known.get(name, "").rpartition(" ")
    if remembered == state:
        return _Hashed(name, digest, known[name])
    before = time.time_ns()
    digest = sha256_file(path)
    after, touched = _state(path)
    settled = after == state and touched < before - SETTLED_AFTER
    return _Hashed(name, digest, f"{state} {digest}" if settled else "")


def _state(path: Path) -> tuple[str, int]:
    """Return what changes when a file does, and when it was last touched (nanoseconds)."""
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    state = f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
    return state, max(stat.st_mtime_ns, stat.st_ctime_ns)


def _read(memory: Path) -> dict[str, str]:
    try:
        content = read_json(memory)
    except DataError:  # there is none yet, or it is damaged: everything is hashed again
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: line for name, line in content.items() if isinstance(line, str)}


def _write(memory: Path, lines: dict[str, str]) -> None:
    """Keep what is known of files that still exist. Of two processes that write at once, the later one wins."""
    try:
        write_json(memory, {name: lines[name] for name in sorted(lines) if Path(name).exists()})
    except StorageError as error:
        logger.info("hashes are not remembered: %s", error)
