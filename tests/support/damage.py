"""Records of a run, damaged on purpose."""

from __future__ import annotations

from pathlib import Path

from osteolens.storage import read_json, write_json


def damaged(path: Path, place: tuple[str | int, ...], value: object) -> None:
    """Put a value in the place of another, or take that away where the value is None."""
    record = read_json(path)
    holder = record
    for step in place[:-1]:
        holder = holder[step]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    write_json(path, record)
