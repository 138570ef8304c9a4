"""Decode once: every image resized to the network's input, in one memory-mapped array of 8-bit grey values."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.preprocessing import read_input
from osteolens.domain import Preprocessing
from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.storage import atomic_writer, fingerprint, sha256_file

FORMAT_VERSION = 2
DECODING_THREADS = 4


def cached_pictures(paths: Sequence[Path], record: Preprocessing, cache_dir: Path) -> NDArray[np.uint8]:
    """Return the resized pictures of `paths`, decoding them only when no cache of exactly these contents exists.

    The file's name is a hash of every image's content and of the geometry of `record`, so a changed image makes a new
    cache. It is written whole or not at all; two processes that build the same cache write the same bytes.

    Returns
    -------
    numpy.ndarray
        uint8 [len(paths), size, size], memory-mapped and read-only.

    Raises
    ------
    DataError
        Some images cannot be read; all of them are named.
    """
    hashes = [sha256_file(path) for path in paths]
    geometry = [record.size, record.resize, record.interpolation, record.clahe, record.supersampling]
    cache = cache_dir / f"pictures_{fingerprint([FORMAT_VERSION, geometry, hashes])}.npy"
    if not cache.is_file():
        _build(cache, paths, record)
    pictures: NDArray[np.uint8] = np.load(cache, mmap_mode="r")
    return pictures


def _build(cache: Path, paths: Sequence[Path], record: Preprocessing) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), record.size, record.size)}
    failures: list[str] = []
    with atomic_writer(cache) as stream, ThreadPoolExecutor(DECODING_THREADS) as pool:
        np.lib.format.write_array_header_1_0(stream, header)
        decoded = pool.map(lambda path: _decode(path, record), paths)
        for picture in track(decoded, f"decoding {len(paths)} images", total=len(paths)):
            if isinstance(picture, DataError):
                failures.append(str(picture))
            else:
                stream.write(picture.tobytes())
        if failures:
            raise DataError(
                f"{len(failures)} of {len(paths)} images cannot be read; repair them or take them out of the "
                "metadata table:\n" + "\n".join(failures)
            )


def _decode(path: Path, record: Preprocessing) -> NDArray[np.uint8] | DataError:
    try:
        return read_input(path, record)
    except DataError as error:
        return error
