"""Pictures that occur twice: byte for byte, or so alike that only storage or brightness differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.cases import builtin_original_hashes

HASH_SIDE = 8  # the hash holds 8 x 8 bits
_GRID_SIDE = 32
NEAR_DISTANCE = 4


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two image ids and the number of bits, 0 to 64, in which their perceptual hashes differ."""

    first: str
    second: str
    distance: int


def exact_duplicates(content_hashes: Mapping[str, str]) -> list[list[str]]:
    """Return the groups of image ids that share a content hash, each group and the list in the order given."""
    groups: dict[str, list[str]] = {}
    for image_id, content in content_hashes.items():
        groups.setdefault(content, []).append(image_id)
    return [group for group in groups.values() if len(group) > 1]


def known_original_duplicates() -> list[list[str]]:
    """Return the 21 pairs of BTXRD image stems whose files in the release are byte-identical.

    They stay known for a resized copy of the data set, whose own files need not be identical any more.
    """
    return exact_duplicates({str(stem): content for stem, content in builtin_original_hashes().items()})


def perceptual_hashes(pictures: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint64]:
    """Return the 64-bit pHash of each grey picture [H, W]: the signs of its 64 lowest frequencies about their median.

    The picture is shrunk to 32 x 32 (Lanczos) and transformed by the unnormalised DCT-II, as in
    :func:`imagehash.phash`, to which the bits are equal in row order, highest bit first. A change of brightness or
    contrast, a resize or a new JPEG encoding moves few bits or none.
    """
    grids = [
        np.asarray(Image.fromarray(picture).resize((_GRID_SIDE, _GRID_SIDE), Image.Resampling.LANCZOS))
        for picture in pictures
    ]
    if not grids:
        return np.zeros(0, dtype=np.uint64)
    frequency, position = np.arange(HASH_SIDE)[:, None], np.arange(_GRID_SIDE)[None, :]
    basis = 2 * np.cos(np.pi * frequency * (2 * position + 1) / (2 * _GRID_SIDE))
    # Rounding keeps the noise of floating point from deciding the bits of a picture without structure.
    low = np.round(basis @ np.stack(grids).astype(np.float64) @ basis.T, 6).reshape(len(grids), -1)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def near_duplicates(
    image_ids: Iterable[str], hashes: NDArray[np.uint64], max_distance: int = NEAR_DISTANCE
) -> list[NearPair]:
    """Compare all pairs and return those whose hashes differ in at most `max_distance` bits, the closest first.

    Parameters
    ----------
    hashes
        [N], in the order of `image_ids`.
    """
    names = list(image_ids)
    block = max(1, 2**22 // max(len(names), 1))  # at most 32 MiB of differences at a time
    pairs: list[NearPair] = []
    for start in range(0, len(names), block):
        distances = np.bitwise_count(hashes[start : start + block, None] ^ hashes[None, start:])
        rows, columns = np.nonzero(distances <= max_distance)
        upper = columns > rows
        pairs += [
            NearPair(names[start + row], names[start + column], int(distances[row, column]))
            for row, column in zip(rows[upper], columns[upper], strict=True)
        ]
    return sorted(pairs, key=lambda pair: pair.distance)
