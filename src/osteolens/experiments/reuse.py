"""Do nothing twice: what each stage of a run was made from, and what it wrote, is kept beside its results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import osteolens
from osteolens.errors import DataError
from osteolens.storage import fingerprint, read_json, sha256_file, write_json

RECORD_NAME = "stages.json"
_MADE_FROM, _WROTE = "made_from", "wrote"


class StageRecord:
    """The finished stages of one folder, ``stages.json``: a hash of their inputs, and the SHA-256 of each output.

    Parameters
    ----------
    folder
        The run's folder; outputs lie in it or below it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / RECORD_NAME

    def is_current(self, stage: str, made_from: Any, outputs: Sequence[Path]) -> bool:
        """Return whether a stage was finished from exactly these inputs and all it wrote is as it was written.

        Parameters
        ----------
        outputs
            Files that the stage writes in any case; what else it wrote is in the record.
        """
        entry = self._read().get(stage)
        if not isinstance(entry, dict) or entry.get(_MADE_FROM) != _key(made_from):
            return False
        wrote = entry.get(_WROTE, {})
        if not {self._name(path) for path in outputs} <= wrote.keys():
            return False
        files = {self.folder / name: digest for name, digest in wrote.items()}
        return all(path.is_file() and sha256_file(path) == digest for path, digest in files.items())

    def finish(self, stage: str, made_from: Any, outputs: Sequence[Path]) -> None:
        """Note that a stage is finished and what it wrote."""
        wrote = {self._name(path): sha256_file(path) for path in outputs}
        write_json(self.path, {**self._read(), stage: {_MADE_FROM: _key(made_from), _WROTE: wrote}})

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _read(self) -> dict[str, Any]:
        try:
            record = read_json(self.path)
        except DataError:  # no record, or one that cannot be read: the stages are simply made again
            return {}
        return record if isinstance(record, dict) else {}


def _key(made_from: Any) -> str:
    """A new version of osteolens may make other figures, so it makes every stage again."""
    return fingerprint([osteolens.__version__, made_from])
