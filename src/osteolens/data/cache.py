"""Decode once: every image resized to the network's input, in one memory-mapped array of 8-bit grey values."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.file_hashes import content_hashes
from osteolens.data.images import read_file
from osteolens.data.leftovers import claim, sweep
from osteolens.data.preprocessing import decode_input
from osteolens.domain import Preprocessing
from osteolens.errors import DataError, StorageError
from osteolens.progress import track
from osteolens.storage import atomic_writer, fingerprint, sha256_bytes

FORMAT_VERSION = 4
NORMALISATION = ("channels", "mean", "std")  # of the record: what is done to a cached picture, not stored in it
CACHE_PREFIX = "pictures_"
HASHES_NAME = "file_hashes.json"
DECODING_THREADS = 4
BATCH = 64  # images that wait for the writer at most
NAMED = 20  # unreadable images that the error names; the log names the others

logger = logging.getLogger("osteolens")


def cached_pictures(paths: Sequence[Path], record: Preprocessing, cache_dir: Path) -> NDArray[np.uint8]:
    """Return the resized pictures of `paths`, decoding them only when no cache of exactly these contents exists.

    The file's name is a hash of every image's content and of all of `record` but the normalisation, so a changed image
    makes a new cache. It is written whole or not at all; two processes that build the same cache write the same bytes.
    What a killed build left behind is removed by the next build.

    Returns
    -------
    numpy.ndarray
        uint8 [len(paths), size, size], memory-mapped and read-only.

    Raises
    ------
    DataError
        Some images cannot be read; 20 of them are named, the others in the log.
    StorageError
        The cache cannot be written.
    """
    hashes = content_hashes(paths, cache_dir / HASHES_NAME)
    making = {name: value for name, value in record.to_dict().items() if name not in NORMALISATION}
    cache = cache_dir / f"{CACHE_PREFIX}{fingerprint([FORMAT_VERSION, making, hashes])}.npy"
    shape = (len(paths), record.size, record.size)
    pictures = _load(cache, shape)
    if pictures is None:
        for name in (CACHE_PREFIX, HASHES_NAME):
            sweep(cache_dir, name)
        _build(cache, paths, hashes, record)
        pictures = _load(cache, shape)
    if pictures is None:
        raise StorageError(f"{cache} cannot be read back. Check the disk, or set paths.cache_dir to another folder.")
    return pictures


def _load(cache: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    """Map a cache, or return None where there is none or a damaged one."""
    try:
        pictures: NDArray[np.uint8] = np.load(cache, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return pictures if pictures.shape == shape and pictures.dtype == np.uint8 else None


def _build(cache: Path, paths: Sequence[Path], hashes: Sequence[str], record: Preprocessing) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), record.size, record.size)}
    failures: list[str] = []
    with atomic_writer(cache) as stream:
        claim(stream)
        np.lib.format.write_array_header_1_0(stream, header)
        decoded = _decoded(paths, hashes, record)
        for picture in track(decoded, f"decoding {len(paths)} images", total=len(paths)):
            if isinstance(picture, DataError):
                failures.append(str(picture))
            else:
                stream.write(picture.tobytes())
        if failures:
            raise _unreadable(failures, len(paths))


def _unreadable(failures: Sequence[str], images: int) -> DataError:
    for failure in failures[NAMED:]:
        logger.warning("%s", failure)
    others = [f"and {len(failures) - NAMED} others, which the log names above"] if len(failures) > NAMED else []
    listed = "\n".join([*failures[:NAMED], *others])
    return DataError(
        f"{len(failures)} of {images} images cannot be read; repair them or take them out of the metadata table:\n"
        f"{listed}"
    )


def _decoded(
    paths: Sequence[Path], hashes: Sequence[str], record: Preprocessing
) -> Iterator[NDArray[np.uint8] | DataError]:
    """Decode in batches, so that neither memory nor the wait after Ctrl-C grows with the number of images."""
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = slice(start, start + BATCH)
            yield from pool.map(lambda path, sha256: _decode(path, sha256, record), paths[batch], hashes[batch])


def _decode(path: Path, sha256: str, record: Preprocessing) -> NDArray[np.uint8] | DataError:
    try:
        data = read_file(path)
        if sha256_bytes(data) != sha256:  # the cache would bear the name of another content
            return DataError(f"{path} changed while it was read. Run again when nothing writes to it.")
        return decode_input(data, record, name=str(path))
    except DataError as error:
        return error
