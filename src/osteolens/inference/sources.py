"""What the command line names, files, folders, patterns and lists, to the files of a batch in a stable order."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from osteolens.errors import DataError
from osteolens.inference.reading import list_pictures

NAMED = 5  # repeated files that the warning names

logger = logging.getLogger("osteolens")


def list_sources(sources: Sequence[str]) -> list[Path]:
    """Return the files that are named, each once and at its first place.

    A folder stands for its pictures, as :func:`osteolens.inference.reading.list_pictures` finds them, and a pattern
    (``*``, ``?``, ``[ab]``, ``**`` for any folders) for the files that match it; both sorted. What does not exist, a
    folder without pictures and a pattern without matches stay in the list as they are, to be refused in their place.
    """
    return _once(path for source in sources for path in _expand(source))


def parse_list(data: bytes, *, null: bool = False) -> list[str]:
    """Return the paths of a list, one per line or, with `null`, each followed by a zero byte; empty ones are left out.

    Bytes that are no text in the system's encoding stay what they are, so that such a file is found all the same.
    """
    entries = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(entry) for entry in entries if entry]


def _expand(source: str) -> Iterator[Path]:
    path = Path(source)
    if path.is_dir():
        try:
            yield from list_pictures(path)
        except DataError:  # told when it is read
            yield path
    elif glob.has_magic(source) and not path.exists():
        found = glob.iglob(source, recursive=True)  # noqa: PTH207  takes whole patterns, also from the root
        matches = sorted(match for match in map(Path, found) if match.is_file())
        yield from matches or [path]
    else:
        yield path


def _once(paths: Iterator[Path]) -> list[Path]:
    seen: dict[str, Path] = {}
    repeated: list[str] = []
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100  links are not followed
        if absolute in seen:
            repeated += [str(path)]
        seen.setdefault(absolute, path)
    if repeated:
        named = ", ".join(dict.fromkeys(repeated[:NAMED]))
        others = f" and {len(repeated) - NAMED} others" if len(repeated) > NAMED else ""
        logger.warning("named more than once and answered once: %s%s.", named, others)
    return list(seen.values())
