"""Temporary files that a killed process left behind are removed; those of a living one never are.

A writer holds a lock on its temporary file. The operating system releases it when the process ends, however it ends, so
a file whose lock can be taken has no writer. Where locks do not exist (Windows) an open file cannot be removed.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

CLAIM_TIME = 60.0  # seconds in which a new file's writer has certainly taken its lock


def claim(stream: IO[bytes]) -> None:
    """Mark an open temporary file as in use until it is closed or the process ends."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # a file system without locks: there the file is never swept either
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sweep(folder: Path, name: str, *, claim_time: float = CLAIM_TIME) -> None:
    """Remove the abandoned temporary files of `name`, as :func:`osteolens.storage.atomic_writer` calls them.

    Parameters
    ----------
    name
        How the final file's name begins.
    claim_time
        Seconds for which a file without a lock may still have a writer; 0 where the caller alone may write `name`.
    """
    for path in folder.glob(f".{name}*"):
        with contextlib.suppress(OSError):  # removed by another process meanwhile, or not ours to remove
            if time.time() - path.stat().st_mtime >= claim_time and _is_abandoned(path):
                path.unlink()


def _is_abandoned(path: Path) -> bool:
    if sys.platform == "win32":
        return True
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
