"""Any radiograph file to one convention: grey, 8 bit, upright, black is 0."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from osteolens.data.dicom.recognition import is_dicom
from osteolens.errors import DataError

Grey = NDArray[np.uint8]
_Pixel = TypeVar("_Pixel", np.uint8, np.bool_)

SMALLEST_SIDE = 16
LARGEST_PIXELS = 100_000_000  # full-size radiographs have up to 20 million; beyond this a file is a bomb or a mistake
FORMATS = ("JPEG", "PNG", "BMP", "TIFF")
EXIF_ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange height and width
TIFF_BITS, TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0

# What Pillow itself takes for the sign of a damaged file while it reads one.
DECODER_ERRORS = (OSError, ValueError, TypeError, LookupError, EOFError, SyntaxError, struct.error)


@dataclass(frozen=True, slots=True)
class Reading:
    """A picture, perhaps decoded at a fraction of its size.

    Attributes
    ----------
    grey
        uint8 [h, w], upright.
    shape
        Height and width in pixels of the whole picture, upright. A fraction is rounded up to whole pixels, so the
        shape of `grey` does not give the picture's proportions exactly.
    """

    grey: Grey
    shape: tuple[int, int]


def read_grey(path: Path, *, at_least: int | None = None, any_region: bool = False) -> Grey:
    """Read a radiograph as a grey picture.

    Parameters
    ----------
    at_least
        A JPEG larger than this many pixels on both sides may be decoded at 1/8 to 7/8 of its size, as long as both
        sides stay at or above it. The scaled decode averages in the frequency domain, so it does not alias.
    any_region
        Read a DICOM file whatever part of the body its header names.

    Returns
    -------
    numpy.ndarray
        uint8, shape [height, width]; upright according to the EXIF orientation; colour reduced to luminance
        (ITU-R BT.601); 12 and 16 bit scaled to 8 bit over their full range. A DICOM file is shown as its header asks
        (:mod:`osteolens.data.dicom.picture`).

    Raises
    ------
    DataError
        The file is missing, empty, damaged, too small, too large, animated or of a kind that is not read.
    """
    return decode(read_file(path), name=str(path), at_least=at_least, any_region=any_region).grey


def read_file(path: Path) -> bytes:
    """Return the bytes of a file; one that cannot be read raises :class:`DataError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def decode_grey(data: bytes, *, name: str, at_least: int | None = None) -> Grey:
    """Decode the bytes of a picture file; see :func:`read_grey`. `name` is used in messages only."""
    return decode(data, name=name, at_least=at_least).grey


def decode(data: bytes, *, name: str, at_least: int | None = None, any_region: bool = False) -> Reading:
    """Decode the bytes of a picture file and keep its whole size; see :func:`read_grey`.

    `name` is used in messages, and its suffix tells a DICOM file without preamble.
    """
    if is_dicom(data, name):
        from osteolens.data.dicom.picture import decode_dicom

        grey = decode_dicom(data, name=name, any_region=any_region)
        return Reading(grey, (grey.shape[0], grey.shape[1]))
    with _opened(data, name) as image:
        if image.format == "JPEG" and image.mode in {"L", "RGB"}:
            grey, (width, height) = _decode_jpeg(data, at_least), image.size
        else:
            grey = _to_grey(image, name)
            height, width = grey.shape
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)  # a TIFF is turned when it is loaded
        shape = (width, height) if orientation in SIDEWAYS else (height, width)
        return Reading(_upright(grey, orientation), shape)


def read_not_black(path: Path) -> NDArray[np.bool_]:
    """Return where a picture is not black at its own depth, [height, width]: neither 1 of 65,535 nor (0, 0, 1) is.

    Raises
    ------
    DataError
        As :func:`read_grey`.
    """
    with _opened(read_file(path), str(path)) as image:
        is_deep = _is_deep(image, str(path))
        values = np.asarray(image) if is_deep else np.asarray(_over_black(image).convert("RGB")).max(axis=2)
        marked: NDArray[np.bool_] = np.asarray(values, dtype=bool)
        return _upright(marked, image.getexif().get(EXIF_ORIENTATION, 1))


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """Open a picture whose header may be trusted; what goes wrong in decoding it becomes a :class:`DataError`."""
    if not data:
        raise DataError(f"{name} is empty.")
    if is_dicom(data, name):  # pictures are decoded elsewhere
        raise DataError(f"{name} is a DICOM file, which cannot be a mask. Convert it to PNG first.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is the stricter one
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                _check_header(image, name)
                yield image
        except Image.DecompressionBombError as error:
            raise DataError(f"{name} declares far more than the {LARGEST_PIXELS:,} pixels that are read.") from error
        except UnidentifiedImageError as error:
            raise DataError(f"{name} is not a JPEG, PNG, BMP, TIFF or DICOM picture.") from error
        except DECODER_ERRORS as error:
            raise DataError(f"{name} is damaged and cannot be decoded: {error}.") from error


def _check_header(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise DataError(f"{name} has {width} x {height} pixels; at most {LARGEST_PIXELS:,} are read.")
    if min(width, height) < SMALLEST_SIDE:
        raise DataError(f"{name} has {width} x {height} pixels; a radiograph needs at least {SMALLEST_SIDE} a side.")
    if getattr(image, "n_frames", 1) > 1:
        raise DataError(f"{name} holds several pictures. Store each in a file of its own.")


def _decode_jpeg(data: bytes, at_least: int | None) -> Grey:
    limits = {} if at_least is None else {"min_height": at_least, "min_width": at_least, "min_factor": 1}
    grey: Grey = simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True, **limits)
    return grey[:, :, 0]


def _to_grey(image: Image.Image, name: str) -> Grey:
    return _eight_bit(image) if _is_deep(image, name) else np.asarray(_over_black(image).convert("L"))


def _is_deep(image: Image.Image, name: str) -> bool:
    """Tell whether a picture has 12 or 16 bit; deeper ones are refused."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise DataError(f"{name} holds floating-point, signed or 32-bit values. Export it as 8 or 16 bit.")
    return image.mode == "I" or image.mode.startswith("I;16")


def _over_black(image: Image.Image) -> Image.Image:
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    return image


def _eight_bit(image: Image.Image) -> Grey:
    """Scale 12 or 16 bit to 8; a TIFF says how many bits are used and whether 0 is white, any other file uses all."""
    values = np.asarray(image).astype(np.float32)  # loads the picture, after which the tags can be read
    tags = getattr(image, "tag_v2", {})
    values *= np.float32(255 / (2 ** tags.get(TIFF_BITS, (16,))[0] - 1))
    if tags.get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO:
        values = 255 - values
    return np.clip(values + np.float32(0.5), 0, 255).astype(np.uint8)


def _upright(grey: NDArray[_Pixel], orientation: int) -> NDArray[_Pixel]:
    """Apply an EXIF orientation (1 to 8, section 4.6.4 of EXIF 2.3)."""
    turned = {
        2: grey[:, ::-1],
        3: grey[::-1, ::-1],
        4: grey[::-1],
        5: grey.T,
        6: np.rot90(grey, -1),
        7: grey[::-1, ::-1].T,
        8: np.rot90(grey),
    }.get(orientation, grey)
    return np.ascontiguousarray(turned)
