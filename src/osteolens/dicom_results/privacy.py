"""Folders and files of patient data, which nobody but their owner may read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from osteolens.storage import atomic_writer, storage_errors

_OWNER_ENTERS, _OWNER_READS = 0o700, 0o600


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, whatever the umask; one that is there keeps its mode."""
    if folder.is_dir():
        return
    with storage_errors(folder):
        folder.mkdir(_OWNER_ENTERS, parents=True, exist_ok=True)
        folder.chmod(_OWNER_ENTERS)


@contextlib.contextmanager
def private_writer(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all, that only its owner may read, whatever the umask.

    It is written in a hidden folder that nobody else may enter, so that there is no moment at which it can be read.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as hidden:
            made = Path(hidden, path.name)
            with atomic_writer(made) as stream:
                yield stream
            made.chmod(_OWNER_READS)
            made.replace(path)
