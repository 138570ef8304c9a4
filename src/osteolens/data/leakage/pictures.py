"""Copies and look-alikes across a split, found in the pictures themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.data.duplicates import NEAR_DISTANCE, perceptual_hashes
from osteolens.data.images import decode_grey
from osteolens.data.leakage.table import posix
from osteolens.data.schema import find_images
from osteolens.domain import IMAGE_SUFFIXES, Column, image_stem
from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.storage import sha256_bytes

_DECODED_SIDE = 256  # a large JPEG is decoded no larger than the hash needs
_BLOCK = 2**22  # pairs compared at a time, 32 MiB


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What the pictures say.

    Attributes
    ----------
    content
        SHA-256 of each file; an image without one has a value of its own.
    nearest
        For each evaluation image that looks like a train image, the row of the closest one; NaN elsewhere.
    distance
        Bits, 0 to 64, in which the two perceptual hashes differ; NaN where `nearest` is.
    missing
        Ids without a file.
    unreadable
        Id to reason.
    """

    content: pd.Series[str]
    nearest: pd.Series[float]
    distance: pd.Series[float]
    missing: list[str]
    unreadable: dict[str, str]


def find_pictures(table: pd.DataFrame, folder: Path) -> list[Path | None]:
    """Return the file of each image: at its own path below `folder`, else by its file name in `folder` itself.

    Raises
    ------
    DataError
        The folder does not exist, or a file name could mean two files.
    """
    ids = [posix(name) for name in table[Column.IMAGE_ID]]
    by_name = find_images(folder, [name.name for name in ids]).paths
    times = Counter(image_stem(name.name) for name in ids)
    return [_at_its_path(folder, name) or _by_name(name, by_name, times) for name in ids]


def compare_pictures(table: pd.DataFrame, files: Sequence[Path | None]) -> Comparison:
    """Compare every val and test picture with every train picture.

    Parameters
    ----------
    files
        File of each row of `table`, or None.

    Raises
    ------
    DataError
        No picture of the train part, or none of the evaluated parts, could be read.
    """
    ids = table[Column.IMAGE_ID].tolist()
    content, hashes = [f"no file {name}" for name in ids], np.zeros(len(ids), np.uint64)
    unreadable: dict[str, str] = {}
    seen = np.zeros(len(ids), bool)
    for row, path in enumerate(track(files, "comparing pictures")):
        if path is None:
            continue
        try:
            data = path.read_bytes()
            hashes[row] = perceptual_hashes([decode_grey(data, name=path.name, at_least=_DECODED_SIDE)])[0]
        except (DataError, OSError) as error:
            unreadable[ids[row]] = str(error)
            continue
        content[row], seen[row] = sha256_bytes(data), True
    parts = table[Column.SPLIT].to_numpy(str)
    if not (seen & (parts == "train")).any() or not (seen & (parts != "train")).any():
        raise DataError(
            f"only {seen.sum()} of {len(seen)} pictures could be found and read, and none of the train part or none of "
            "the others, so nothing can be compared. Check --images or --data."
        )
    nearest, distance = _nearest_in_train(hashes, seen, parts)
    _prefer_copies(content, parts, nearest)
    return Comparison(
        pd.Series(content, index=table.index),
        pd.Series(nearest, index=table.index),
        pd.Series(distance, index=table.index),
        [name for name, path in zip(ids, files, strict=True) if path is None],
        unreadable,
    )


def nearest_pairs(table: pd.DataFrame, found: Comparison) -> list[dict[str, Any]]:
    """Return each evaluation image that looks like a train image with the closest one, the closest pairs first."""
    pairs: list[dict[str, Any]] = []
    for row in np.flatnonzero(found.nearest.notna()):
        other = int(found.nearest.iloc[row])
        pairs.append(
            {
                "image": table[Column.IMAGE_ID].iloc[row],
                "part": table[Column.SPLIT].iloc[row],
                "train_image": table[Column.IMAGE_ID].iloc[other],
                "distance": int(found.distance.iloc[row]),
                "identical": bool(found.content.iloc[row] == found.content.iloc[other]),
            }
        )
    return sorted(pairs, key=lambda pair: (not pair["identical"], pair["distance"]))


def _nearest_in_train(
    hashes: NDArray[np.uint64], seen: NDArray[np.bool_], parts: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return row and distance of the train picture closest to each evaluation picture, NaN beyond NEAR_DISTANCE."""
    nearest, distance = np.full(len(hashes), np.nan), np.full(len(hashes), np.nan)
    train, evaluated = np.flatnonzero(seen & (parts == "train")), np.flatnonzero(seen & (parts != "train"))
    if not len(train):
        return nearest, distance
    step = max(1, _BLOCK // len(train))
    for rows in (evaluated[start : start + step] for start in range(0, len(evaluated), step)):
        bits = np.bitwise_count(hashes[rows, None] ^ hashes[None, train])
        best = bits.argmin(axis=1)
        least = bits[np.arange(len(rows)), best]
        close = least <= NEAR_DISTANCE
        nearest[rows[close]], distance[rows[close]] = train[best[close]], least[close]
    return nearest, distance


def _prefer_copies(content: list[str], parts: NDArray[np.str_], nearest: NDArray[np.float64]) -> None:
    """Of train pictures that look the same, name the byte-identical one."""
    row_of = {value: row for row, value in enumerate(content) if parts[row] == "train"}
    for row in np.flatnonzero(~np.isnan(nearest)):
        nearest[row] = row_of.get(content[row], nearest[row])


def _at_its_path(folder: Path, name: PurePosixPath) -> Path | None:
    if name.is_absolute() or ".." in name.parts:  # a table must not lead out of the folder that was named
        return None
    path = folder / name
    candidates = (path, *(path.with_name(path.name + suffix) for suffix in IMAGE_SUFFIXES))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _by_name(name: PurePosixPath, by_name: dict[str, Path], times: Counter[str]) -> Path | None:
    """A file name identifies an image only where no other image of the table bears it in another folder."""
    stem = image_stem(name.name)
    return by_name.get(stem) if times[stem] == 1 else None
