"""The elements of a DICOM header by keyword, checked; no message repeats what a header says.

A header holds names, numbers and dates of patients, also where they do not belong: in a modality, in a body part. So
the sentences made here and in the rooms that use this one name the file, the element and words of the standard only.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from osteolens.errors import DataError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@cache
def damage() -> tuple[type[Exception], ...]:
    """Return what pydicom and the decoders raise for damaged content.

    Their texts may repeat values, so they are never passed on, nor chained to what is.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    own = (BytesLengthException, InvalidDicomError)
    builtin = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, TypeError)
    # RuntimeError stands for sequences nested without end and for what is not implemented, too
    return (*own, *builtin, RuntimeError, ValueError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed data set with the name under which messages tell of its file."""

    dataset: Dataset
    name: str

    def values(self, keyword: str) -> list[Any]:
        """Return the values of an element; none for one that is missing or empty.

        Raises
        ------
        DataError
            The element cannot be parsed.
        """
        try:
            value = self.dataset.get(keyword)
            if value is None or value == "":
                return []
            return list(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        except damage():
            raise self.damaged(keyword) from None

    def word(self, keyword: str) -> str:
        """Return a code string in capitals without blanks around it; "" where it is missing."""
        values = self.values(keyword)
        return str(values[0]).strip(" \0").upper() if values else ""

    def number(self, keyword: str) -> float | None:
        """Return the first value of an element as a finite number, or None where it is missing."""
        numbers = self.numbers(keyword)
        return numbers[0] if numbers else None

    def numbers(self, keyword: str) -> list[float]:
        """Return the values of an element as finite numbers."""
        try:
            numbers = [float(value) for value in self.values(keyword)]
        except damage():
            raise self.damaged(keyword) from None
        if not all(map(math.isfinite, numbers)):
            raise self.damaged(keyword)
        return numbers

    def whole(self, keyword: str) -> int | None:
        """Return the first value of an element as a whole number, or None where it is missing."""
        number = self.number(keyword)
        return None if number is None else int(number)

    def required(self, keyword: str) -> int:
        """Return a whole number without which no pixel can be read."""
        number = self.whole(keyword)
        if number is None:
            raise DataError(f"{self.name} is a DICOM file without the element {keyword}, so its pixels cannot be read.")
        return number

    def item(self, keyword: str) -> Header | None:
        """Return the first item of a sequence, or None where there is none."""
        items = self.values(keyword)
        if not items:
            return None
        if not hasattr(items[0], "get"):  # bytes, where the element is no sequence
            raise self.damaged(keyword)
        return Header(items[0], self.name)

    def damaged(self, keyword: str) -> DataError:
        """Return the error that tells of an unusable element."""
        return DataError(f"{self.name} is a DICOM file whose element {keyword} is damaged. Export it again.")
