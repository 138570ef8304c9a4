"""The files of a download: all that is unfinished lies in one hidden folder beside the data root."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from osteolens.errors import ConfigError
from osteolens.storage import exclusive, storage_errors

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Places:
    """The data root, links followed, and its neighbours, so that renaming never crosses a disk."""

    root: Path

    @classmethod
    def of(cls, root: Path) -> Places:
        """Return the places of a data root, which need not exist."""
        resolved = root.resolve()
        if not resolved.name:
            raise ConfigError(f"{root} cannot be a data root. Name a folder with --data.")
        return cls(resolved)

    @property
    def work(self) -> Path:
        """Folder of what is unfinished; nothing else lies in it, so it may be deleted."""
        return self.root.with_name(f".{self.root.name}.download")

    @property
    def archive(self) -> Path:
        """The ZIP while it is needed; its part and their origin lie beside it."""
        return self.work / "archive.zip"

    @property
    def draft(self) -> Path:
        """The data root while it is unpacked."""
        return self.work / "unpacked"

    @property
    def kept_zip(self) -> Path:
        """The ZIP that stays."""
        return self.root.with_name(f"{self.root.name}.zip")

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold these places; another download to them raises :class:`StorageError`."""
        busy = f"another process is downloading to {self.root}. Wait for it to end."
        return exclusive(self.root, self.root.with_name(f".{self.root.name}.lock"), busy)


def set_aside(path: Path, word: str) -> Path:
    """Rename a file or folder to a free name ``<name>.<word>`` and return that."""
    number = 1
    while (target := path.with_name(f"{path.name}.{word}" + (f"-{number}" if number > 1 else ""))).exists():
        number += 1
    with storage_errors(path):
        path.rename(target)
    logger.warning("%s was set aside as %s", path, target.name)
    return target
