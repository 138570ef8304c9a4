"""Radiograph files to inputs, a batch at a time; what cannot be read is told and the rest is served."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.dicom.recognition import begins_as_dicom
from osteolens.data.images import Grey
from osteolens.domain import IMAGE_SUFFIXES, Preprocessing
from osteolens.errors import DataError, GateError
from osteolens.inference.answer import Objection
from osteolens.inference.examination import InputPicture, examine_array, examine_file
from osteolens.inference.work_ahead import work_ahead
from osteolens.progress import track
from osteolens.wording import counted, printable

DICOM_DIRECTORY = "DICOMDIR"  # the table of contents of a disc, itself a DICOM file
ARRAY = "array"  # name of a picture that is no file
OTHER_PICTURES = (".gif", ".webp", ".heic", ".jp2")  # refused in words, not passed over
KINDS_NAMED = 5  # kinds of file that the line on what was passed over names
NamedFile = tuple[Path, str]  # a file and the name that results give it

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture without an answer.

    Attributes
    ----------
    image
        The name that results give it.
    reason
        Why, and what can be done.
    gate
        Name of the gate that refused it; None where it could not be read.
    """

    image: str
    reason: str
    gate: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class InputBatch:
    """Pictures that were read together, and the files that could not be.

    Attributes
    ----------
    paths, names
        One per picture that was read: its file, and the name that results give it.
    pictures
        uint8 [N, S, S], resized.
    accepted
        What gates had against each of them and was overruled.
    failures
        The files that could not be read or were refused.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    pictures: NDArray[np.uint8]
    accepted: tuple[tuple[Objection, ...], ...]
    failures: tuple[Failure, ...]

    def only(self, places: Sequence[int], refused: Sequence[Failure]) -> InputBatch:
        """Return the batch with some of its pictures, the others among its failures."""
        return InputBatch(
            paths=tuple(self.paths[place] for place in places),
            names=tuple(self.names[place] for place in places),
            pictures=self.pictures[list(places)],
            accepted=tuple(self.accepted[place] for place in places),
            failures=(*self.failures, *refused),
        )


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder and its sub-folders, sorted.

    A file of another suffix, or of none, is one where it begins as DICOM. Hidden files, links to folders and other
    kinds are passed over; how many stands in a warning.

    Raises
    ------
    DataError
        The folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist.")
    suffixes = {*IMAGE_SUFFIXES, *OTHER_PICTURES}
    found: list[Path] = []
    passed: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if not path.name.startswith(".") and (path.suffix.lower() in suffixes or _is_other_dicom(path)):
            found.append(path)
        elif path.is_symlink() or not os.path.isdir(path):  # noqa: PTH112  does not raise where folders are locked
            passed[_kind(path)] += 1
    if passed:
        logger.warning("passed over in %s: %s.", printable(str(folder)), _numbers(passed))
    if not found:
        raise DataError(f"the folder {folder} holds no picture ({', '.join(sorted(suffixes))}).")
    return found


def _is_other_dicom(path: Path) -> bool:
    is_file = os.path.isfile(path)  # noqa: PTH113  as above; a pipe would be waited for
    return is_file and path.name != DICOM_DIRECTORY and begins_as_dicom(path)


def _kind(path: Path) -> str:
    if os.path.isdir(path):  # noqa: PTH112  as above
        return "links to folders"
    if path.name.startswith("."):
        return "hidden"
    suffix = path.suffix.lower()
    return suffix if suffix[1:].isalnum() else "other names"


def _numbers(passed: Counter[str]) -> str:
    """Return how many files there are, in all and of the most frequent kinds."""
    ranked = sorted(passed.items(), key=lambda kind: (-kind[1], kind[0]))
    kinds = [f"{kind} {number:,}" for kind, number in ranked[:KINDS_NAMED]]
    kinds += [f"further kinds {sum(number for _, number in ranked[KINDS_NAMED:]):,}"] if ranked[KINDS_NAMED:] else []
    return f"{counted(passed.total(), 'file')} ({', '.join(kinds)})"


def read_batches(
    paths: Sequence[Path], record: Preprocessing, size: int, description: str, *, accept: frozenset[str] = frozenset()
) -> Iterator[InputBatch]:
    """Read files in threads, up to `size` at a time, so that memory does not grow with their number.

    Parameters
    ----------
    accept
        Gates that are overruled.
    """
    named = name_files(paths)
    batches = [named[start : start + size] for start in range(0, len(named), size)]
    read = read_ahead(batches, record, accept=accept)
    yield from track(read, f"{description}, batches of {size}", total=len(batches))


def read_ahead(
    batches: Sequence[Sequence[NamedFile]], record: Preprocessing, *, accept: frozenset[str], workers: int = 0
) -> Iterator[InputBatch]:
    """Read batches of files, the next ones while one is used; see :func:`osteolens.inference.work_ahead.work_ahead`."""
    read = partial(_read, record=record, accept=accept)
    for batch, found in zip(batches, work_ahead(batches, read, _lost, workers=workers), strict=True):
        yield _batch(list(zip(batch, found, strict=True)), record)


def name_files(paths: Sequence[Path]) -> list[NamedFile]:
    """Return each path with its name below the folder that all have in common, so that equal file names stay apart.

    Bytes of a name that are no text are written as escapes.
    """
    whole = [os.path.abspath(path) for path in paths]  # noqa: PTH100  links are not followed
    common = os.path.commonpath([os.path.dirname(path) for path in whole]) if whole else ""  # noqa: PTH120
    return [
        (path, printable(Path(os.path.relpath(absolute, common)).as_posix()))
        for path, absolute in zip(paths, whole, strict=True)
    ]


def read_single(source: Path | Grey, record: Preprocessing, accept: frozenset[str], *, name: str | None) -> InputBatch:
    """Return a batch of one file or one array; raises as :mod:`osteolens.inference.examination`."""
    if isinstance(source, Path):
        named, picture = (source, name or source.name), examine_file(source, record, accept)
    else:
        named = (Path(name or ARRAY), name or ARRAY)
        picture = examine_array(source, named[1], record, accept)
    return _batch([(named, picture)], record)


def _batch(found: Sequence[tuple[NamedFile, InputPicture | Failure]], record: Preprocessing) -> InputBatch:
    good = [(*named, picture) for named, picture in found if isinstance(picture, InputPicture)]
    return InputBatch(
        paths=tuple(path for path, _, _ in good),
        names=tuple(name for _, name, _ in good),
        pictures=np.array([picture.pixels for *_, picture in good], np.uint8).reshape(-1, record.size, record.size),
        accepted=tuple(picture.accepted for *_, picture in good),
        failures=tuple(picture for _, picture in found if isinstance(picture, Failure)),
    )


def _read(named: NamedFile, record: Preprocessing, accept: frozenset[str]) -> InputPicture | Failure:
    path, name = named
    try:
        return examine_file(path, record, accept)
    except DataError as error:
        return Failure(name, printable(str(error)))
    except GateError as error:
        return Failure(name, printable(str(error)), error.gate)


def _lost(named: NamedFile) -> Failure:
    """Return the failure of a file that ended every process that read it."""
    path, name = named
    return Failure(
        name, printable(f"{path} ended each process that read it. It is damaged, or too large for the memory.")
    )
