"""Radiograph files to inputs, a batch at a time; what cannot be read is told and the rest is served."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.cache import DECODING_THREADS
from osteolens.data.dicom.recognition import begins_as_dicom
from osteolens.data.preprocessing import read_input
from osteolens.domain import IMAGE_SUFFIXES, Preprocessing
from osteolens.errors import DataError
from osteolens.progress import track

DICOM_DIRECTORY = "DICOMDIR"  # the table of contents of a disc, itself a DICOM file
OTHER_PICTURES = (".gif", ".webp", ".heic", ".jp2")  # refused in words, not passed over in silence
Failure = tuple[str, str]  # name of the picture and why it was refused


@dataclass(frozen=True, slots=True, eq=False)
class InputBatch:
    """Pictures that were read together, and the files that could not be.

    Attributes
    ----------
    paths, names
        One per picture that was read: its file, and the name that results give it.
    pictures
        uint8 [N, S, S], resized.
    failures
        Name and reason of each file that could not be read.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    pictures: NDArray[np.uint8]
    failures: tuple[Failure, ...]


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder and its sub-folders, sorted; hidden files and other kinds are passed over.

    DICOM files as archives and discs name them, without suffix or by a UID, are found by how they begin.

    Raises
    ------
    DataError
        The folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist.")
    suffixes = {*IMAGE_SUFFIXES, *OTHER_PICTURES}
    visible = (path for path in folder.rglob("*") if not path.name.startswith("."))
    found = sorted(path for path in visible if path.suffix.lower() in suffixes or _is_unnamed_dicom(path))
    if not found:
        raise DataError(f"the folder {folder} holds no picture ({', '.join(sorted(suffixes))}).")
    return found


def _is_unnamed_dicom(path: Path) -> bool:
    bears_no_kind = not path.suffix or path.suffix[1:].isdigit()
    return bears_no_kind and path.name != DICOM_DIRECTORY and begins_as_dicom(path)


def read_batches(paths: Sequence[Path], record: Preprocessing, size: int, description: str) -> Iterator[InputBatch]:
    """Read files in threads, up to `size` at a time, so that memory does not grow with their number."""
    named = list(_named(paths))
    read = partial(_read, record=record)
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        for start in track(range(0, len(named), size), f"{description}, batches of {size}"):
            batch = named[start : start + size]
            found = list(zip(batch, pool.map(read, [path for path, _ in batch]), strict=True))
            good = [(path, name, picture) for (path, name), picture in found if not isinstance(picture, DataError)]
            yield InputBatch(
                paths=tuple(path for path, _, _ in good),
                names=tuple(name for _, name, _ in good),
                pictures=np.array([picture for *_, picture in good], np.uint8).reshape(-1, record.size, record.size),
                failures=tuple((name, str(error)) for (_, name), error in found if isinstance(error, DataError)),
            )


def _read(path: Path, record: Preprocessing) -> NDArray[np.uint8] | DataError:
    try:
        return read_input(path, record)
    except DataError as error:
        return error


def _named(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each path with its name below the batch's common folder, so that equal file names stay apart."""
    common = os.path.commonpath([path.parent for path in paths])
    for path in paths:
        yield path, Path(os.path.relpath(path, common)).as_posix()
