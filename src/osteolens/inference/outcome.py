"""What became of one file of a batch, as a line of a part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osteolens.inference.answer import Answer
from osteolens.inference.reading import Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, or why there is none.

    Attributes
    ----------
    zero_map
        Whether the map of the answered class was made and is 0 everywhere.
    """

    result: Answer | Failure
    zero_map: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        if isinstance(self.result, Failure):
            return {"failure": dataclasses.asdict(self.result)}
        return {"answer": self.result.to_dict(), "zero_map": self.zero_map}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """Rebuild from :meth:`to_dict`; a KeyError, TypeError or DataError tells of anything else."""
        if "failure" in values:
            return cls(Failure(**values["failure"]))
        return cls(Answer.from_dict(values["answer"]), values["zero_map"])
