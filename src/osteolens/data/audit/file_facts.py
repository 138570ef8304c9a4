"""What an audit needs to know of one image file, from a single reading."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from osteolens.data.audit.picture_facts import PictureFacts, picture_facts
from osteolens.data.duplicates import perceptual_hashes
from osteolens.data.images import decode, read_file
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
    size
        Of the file, in bytes.
    width, height
        In pixels, upright.
    kind
        Format and colour mode, for example ``JPEG L`` (grey) or ``JPEG RGB``.
    coloured
        Whether any noticeable part differs between the colour channels.
    perceptual_hash
        See :func:`osteolens.data.duplicates.perceptual_hashes`.
    picture
        Brightness, sharpness and borders of the grey picture.
    """

    sha256: str
    size: int
    width: int
    height: int
    kind: str
    coloured: bool
    perceptual_hash: np.uint64
    picture: PictureFacts


def read_file_facts(path: Path) -> FileFacts:
    """Read one image file; one that cannot be decoded raises :class:`osteolens.errors.DataError`."""
    data = read_file(path)
    reading = decode(data, name=path.name, at_least=_HASH_SIDE)
    height, width = reading.shape
    with Image.open(BytesIO(data)) as image:
        kind, coloured = f"{image.format} {image.mode}", _is_coloured(image)
    return FileFacts(
        sha256=sha256_bytes(data),
        size=len(data),
        width=width,
        height=height,
        kind=kind,
        coloured=coloured,
        perceptual_hash=perceptual_hashes([reading.grey])[0],
        picture=picture_facts(reading.grey),
    )


def _is_coloured(image: Image.Image) -> bool:
    if image.mode in {"1", "L", "LA", "F"} or image.mode.startswith("I"):
        return False
    image.draft("RGB", (_COLOUR_SIDE, _COLOUR_SIDE))  # a JPEG is decoded at a fraction of its size
    channels = np.asarray(image.convert("RGB"))
    return bool((np.ptp(channels, axis=2) > _COLOUR_STEP).mean() > _COLOUR_SHARE)
