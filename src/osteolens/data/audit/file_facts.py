"""What an audit needs to know of one image file, from a single reading."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from osteolens.data.audit.picture_facts import PictureFacts, picture_facts
from osteolens.data.colour import COLOUR_SHARE, coloured_share
from osteolens.data.dicom.recognition import is_dicom
from osteolens.data.duplicates import perceptual_hashes
from osteolens.data.images import decode, read_file
from osteolens.storage import sha256_bytes

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
        Format and colour mode, for example ``JPEG L`` (grey), ``JPEG RGB`` or ``DICOM MONOCHROME1``.
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
    return FileFacts(
        sha256=sha256_bytes(data),
        size=len(data),
        width=width,
        height=height,
        kind=_kind(data, path.name),
        coloured=coloured_share(data) > COLOUR_SHARE,
        perceptual_hash=perceptual_hashes([reading.grey])[0],
        picture=picture_facts(reading.grey),
    )


def _kind(data: bytes, name: str) -> str:
    """Return format and colour mode of a picture that can be decoded."""
    if is_dicom(data, name):
        from osteolens.data.dicom.picture import dicom_header

        return f"DICOM {dicom_header(data, name=name)[2]}"
    with Image.open(BytesIO(data)) as image:
        return f"{image.format} {image.mode}"
