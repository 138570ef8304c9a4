"""The results of an unfinished batch: parts of fixed size, each written whole, and what they were made with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.data.leftovers import sweep
from osteolens.errors import DataError, StorageError
from osteolens.inference.outcome import Outcome
from osteolens.storage import read_json, storage_errors, to_json_line, write_json, write_text

_NAME = "part-"
_RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class PartFolder:
    """A folder of parts. Only one process at a time may use it.

    Attributes
    ----------
    count
        Parts of the whole batch.
    """

    root: Path
    count: int

    def open(self, made_with: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Begin, or go on with what an earlier call left.

        Parameters
        ----------
        made_with
            What decides the results: plain data by the words that tell of a difference.
        fresh
            Throw away what an earlier call left.

        Raises
        ------
        StorageError
            It was made with something else.
        DataError
            Its record is damaged.
        """
        record = self.root / _RECORD
        if fresh or not record.exists() or not any(self.root.glob(f"{_NAME}*.jsonl")):
            self.clear()
            write_json(record, made_with)
            return
        for name in (_NAME, _RECORD):  # what a kill left half written
            sweep(self.root, name, claim_time=0)
        before = read_json(record)
        if changed := [what for what in made_with if before.get(what) != made_with[what]]:
            raise StorageError(
                f"{self.root.parent} holds an unfinished batch that differs in: {', '.join(changed)}. Run it again as "
                "it was to finish it, give another folder with --out, or throw it away with --fresh."
            )

    @property
    def missing(self) -> list[int]:
        """The parts that are still to be made."""
        return [number for number in range(self.count) if not self._path(number).exists()]

    def write(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Write a part."""
        write_text(self._path(number), "".join(to_json_line(outcome.to_dict()) for outcome in outcomes))

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the lines of all parts in order, one at a time.

        Raises
        ------
        DataError
            A part is damaged.
        """
        for number in range(self.count):
            path = self._path(number)
            try:
                with path.open(encoding="utf-8") as lines:
                    for line in lines:
                        yield Outcome.from_dict(json.loads(line))
            except (OSError, ValueError, KeyError, TypeError, DataError) as error:
                raise DataError(
                    f"{path} is damaged ({type(error).__name__}: {error}). Delete it and run the same command again."
                ) from error

    def clear(self) -> None:
        """Remove the parts and their record, and the folder where nothing else is in it."""
        with storage_errors(self.root):
            (self.root / _RECORD).unlink(missing_ok=True)  # first: without it the rest is known as rubbish
            for pattern in (f"{_NAME}*.jsonl", f".{_NAME}*", f".{_RECORD}*"):
                for path in self.root.glob(pattern):
                    path.unlink()
        with contextlib.suppress(OSError):
            self.root.rmdir()

    def _path(self, number: int) -> Path:
        return self.root / f"{_NAME}{number:06}.jsonl"
