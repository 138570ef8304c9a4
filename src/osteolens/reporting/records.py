"""Files of a run as the reports read them: each is there, readable and of the shape that a page needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from osteolens.errors import DataError
from osteolens.reporting.record_shapes import TAG_MARK
from osteolens.storage import read_json
from osteolens.wording import first_of

NAMED = 8  # of the places that lack something


def present(path: Path, verb: str) -> Path:
    """Return the path of a file that is there; a :class:`DataError` names the verb that makes it."""
    if not path.is_file():
        raise DataError(f"{path} is missing; osteolens {verb} makes it.")
    return path


def picture(path: Path, verb: str) -> bytes:
    """Return the content of a picture that is there."""
    return present(path, verb).read_bytes()


def record(path: Path, verb: str, shape: Any, classes: Sequence[str] = ()) -> dict[str, Any]:
    """Return a JSON record, as it is.

    Parameters
    ----------
    verb
        What makes the file.
    shape
        What the pages read of it, see :mod:`osteolens.reporting.record_shapes`.
    classes
        All that must be told by class is told of these; those that the record itself names where none are given.

    Raises
    ------
    DataError
        The file is missing, is no JSON record, lacks something, or has another kind of value somewhere; the message
        names the file, the place in it and the verb.
    """
    again = f"Run osteolens {verb} again."
    present(path, verb)
    try:
        found = read_json(path)
    except DataError as error:
        raise DataError(f"{error} {again}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no record. {again}")
    try:
        TypeAdapter(shape).validate_python(found, strict=True, context=tuple(classes) or _named_in(found))
    except ValidationError as error:
        raise DataError(f"{path} {'; '.join(_complaints(error))}. {again}") from error
    return found


def _named_in(found: dict[str, Any]) -> tuple[str, ...]:
    names = found.get("class_names")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _complaints(error: ValidationError) -> Iterator[str]:
    """Yield what a record lacks, and the first thing else that is wrong with it."""
    faults = [(_place(fault["loc"]), fault["type"], fault["msg"]) for fault in error.errors(include_url=False)]
    if missing := [place for place, kind, _ in faults if kind == "missing"]:
        yield f"lacks {first_of(missing, NAMED)}"
    if wrong := [(place, message) for place, kind, message in faults if kind != "missing"]:
        place, message = wrong[0]
        yield f"is damaged at {place}: {message.removeprefix('Value error, ')}"


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts if not str(part).startswith(TAG_MARK))
