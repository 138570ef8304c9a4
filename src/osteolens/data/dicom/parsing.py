"""The bytes of a DICOM file → the few elements that are asked for; all others are skipped unread."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from osteolens.data.dicom.header import Header, damage
from osteolens.data.images import LARGEST_PIXELS
from osteolens.errors import DataError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

_SYNTAX = 0x00020010  # transfer syntax UID
LARGEST_INFLATED = 2 * LARGEST_PIXELS + 2**24  # bytes: the deepest picture that is read, and a generous header


def parse(data: bytes, name: str, keywords: Sequence[str], *, pixels: bool = True) -> Header:
    """Return the elements `keywords` of a DICOM file, with its transfer syntax in ``file_meta``.

    Parameters
    ----------
    pixels
        Read on to the pixels; without, everything from the pixels on is left out.

    Raises
    ------
    DataError
        The bytes cannot be parsed, inflate beyond what is read, or pydicom is not installed.
    """
    _require_pydicom(name)
    from pydicom import dcmread

    be_silent()
    try:
        _check_inflation(data, name)
        dataset = dcmread(BytesIO(data), force=True, specific_tags=list(keywords), stop_before_pixels=not pixels)
        _ensure_syntax(dataset)
    except damage():
        raise DataError(f"{name} is a damaged DICOM file and cannot be parsed. Export it again.") from None
    return Header(dataset, name)


def be_silent() -> None:
    """Keep pydicom from warning and logging: its texts repeat values of the header.

    For good and in the whole process, since a filter set for a while is not safe among threads.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def _require_pydicom(name: str) -> None:
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise DataError(
            f"{name} is a DICOM file. To read such files install the extra: pip install 'osteolens[dicom]'."
        ) from None


def _check_inflation(data: bytes, name: str) -> None:
    """Refuse a deflated data set that grows beyond measure, before anything else inflates it."""
    from pydicom.filereader import read_dataset, read_preamble
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    stream = BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, False, True, stop_when=_beyond_meta, specific_tags=[_SYNTAX])
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    inflating.decompress(stream.read(), LARGEST_INFLATED)
    if inflating.unconsumed_tail:
        raise DataError(f"{name} inflates to more than {LARGEST_INFLATED:,} bytes; no radiograph needs as many.")


def _beyond_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 2


def _ensure_syntax(dataset: Dataset) -> None:
    """Name the encoding that was found in a file that does not name its own."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if dataset.file_meta.get("TransferSyntaxUID"):
        return
    is_implicit, is_little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
