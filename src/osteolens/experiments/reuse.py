"""Do nothing twice: what each stage of a run was made from is kept beside its results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import osteolens
from osteolens.errors import DataError
from osteolens.storage import fingerprint, read_json, write_json

RECORD_NAME = "stages.json"


class StageRecord:
    """The keys of the finished stages of one folder, ``stages.json``.

    Parameters
    ----------
    folder
        The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD_NAME

    def is_current(self, stage: str, made_from: Any, outputs: Sequence[Path]) -> bool:
        """Return whether a stage has been finished from exactly these inputs and its outputs are still there."""
        return self._read().get(stage) == _key(made_from) and all(path.exists() for path in outputs)

    def finish(self, stage: str, made_from: Any) -> None:
        """Note that a stage is finished."""
        write_json(self.path, {**self._read(), stage: _key(made_from)})

    def _read(self) -> dict[str, str]:
        try:
            record = read_json(self.path)
        except DataError:  # no record, or one that cannot be read: the stages are simply made again
            return {}
        return record if isinstance(record, dict) else {}


def _key(made_from: Any) -> str:
    """A new version of osteolens may make other figures, so it makes every stage again."""
    return fingerprint([osteolens.__version__, made_from])
