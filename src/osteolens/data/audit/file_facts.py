"""What an audit needs to know of one image file, from a single reading."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from osteolens.data.duplicates import perceptual_hashes
from osteolens.data.images import EXIF_ORIENTATION, decode_grey
from osteolens.errors import DataError
from osteolens.storage import sha256_bytes

_COLOUR_SIDE = 256
_COLOUR_STEP = 24  # grey levels between channels; storing a grey picture as JPEG in colour makes a few
_COLOUR_SHARE = 0.0005  # least share of pixels: a coloured arrow or letter counts, a stray pixel does not
_HASH_SIDE = 256  # a large JPEG is decoded at a fraction of its size, but not below this


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One image file.

    Attributes
    ----------
    sha256
        Of the file's bytes.
    width, height
        In pixels, upright.
    kind
        Format and colour mode, for example ``JPEG L`` (grey) or ``JPEG RGB``.
    coloured
        Whether any noticeable part differs between the colour channels.
    perceptual_hash
        See :func:`osteolens.data.duplicates.perceptual_hashes`.
    """

    sha256: str
    width: int
    height: int
    kind: str
    coloured: bool
    perceptual_hash: np.uint64


def read_file_facts(path: Path) -> FileFacts:
    """Read one image file; one that cannot be decoded raises :class:`DataError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.") from error
    grey = decode_grey(data, name=path.name, at_least=_HASH_SIDE)
    with Image.open(BytesIO(data)) as image:
        width, height = image.size
        if image.getexif().get(EXIF_ORIENTATION, 1) in {5, 6, 7, 8}:
            width, height = height, width
        kind, coloured = f"{image.format} {image.mode}", _is_coloured(image)
    return FileFacts(sha256_bytes(data), width, height, kind, coloured, perceptual_hashes([grey])[0])


def _is_coloured(image: Image.Image) -> bool:
    if image.mode in {"1", "L", "LA", "F"} or image.mode.startswith("I"):
        return False
    image.draft("RGB", (_COLOUR_SIDE, _COLOUR_SIDE))  # a JPEG is decoded at a fraction of its size
    channels = np.asarray(image.convert("RGB"))
    return bool((np.ptp(channels, axis=2) > _COLOUR_STEP).mean() > _COLOUR_SHARE)
