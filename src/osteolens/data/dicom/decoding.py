"""Pixel data in any transfer syntax → the stored values as the header describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from osteolens.data.dicom.codestream import declared_size, is_complete, with_whole_spectrum
from osteolens.data.dicom.header import Header, damage
from osteolens.errors import DataError

if TYPE_CHECKING:
    from pydicom.uid import UID

# pydicom's plug-ins in the order in which they are taken: the first that is installed decodes, and where it fails the
# file is refused. For the JPEG kinds pydicom's own order prefers a plug-in under the GPL; it is never taken here.
_JPEG, _JPEG_LS, _JPEG_2000 = ("pillow", "gdcm"), ("pyjpegls", "gdcm"), ("pylibjpeg", "gdcm")
DECODERS = {
    "1.2.840.10008.1.2.4.50": _JPEG,  # Baseline
    "1.2.840.10008.1.2.4.51": _JPEG,  # Extended; with 12 bits by GDCM, see below
    "1.2.840.10008.1.2.4.57": ("gdcm",),  # Lossless
    "1.2.840.10008.1.2.4.70": ("gdcm",),  # Lossless, first-order prediction
    "1.2.840.10008.1.2.4.80": _JPEG_LS,  # lossless
    "1.2.840.10008.1.2.4.81": _JPEG_LS,  # near-lossless
    "1.2.840.10008.1.2.4.90": _JPEG_2000,  # lossless
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    "1.2.840.10008.1.2.4.201": ("pylibjpeg",),  # High-Throughput JPEG 2000, lossless
    "1.2.840.10008.1.2.4.202": ("pylibjpeg",),  # the same with RPCL
    "1.2.840.10008.1.2.4.203": ("pylibjpeg",),
    "1.2.840.10008.1.2.5": ("pydicom",),  # RLE
}
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")
LOSSY = tuple(f"1.2.840.10008.1.2.4.{kind}" for kind in (50, 51, 81, 91, 203))
EXTENDED, RLE = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.5"
_EXPORT = "Export it uncompressed (explicit VR little endian) or as JPEG 2000."
# times the length of the pixels: PackBits adds 1/128 at most, a longer stream could swell without end
_LONGEST_RLE = 2

# What the decoding of pixels asks for, beside what the gates do.
KEYWORDS = (
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation"),
    *("PlanarConfiguration", "PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
)


def stored_values(header: Header, size: tuple[int, int, int]) -> NDArray[Any]:
    """Return the stored values of a single picture.

    Parameters
    ----------
    size
        Rows, columns and samples, as :func:`osteolens.data.dicom.gates.check_size` returns them.

    Returns
    -------
    numpy.ndarray
        int32 [rows, columns] within the range of the bits stored, whatever lies in the unused bits; three samples as
        RGB [rows, columns, 3] in the integers that the decoder returns.

    Raises
    ------
    DataError
        There are no pixels, too few or too many of them, no decoder reads them, or they are damaged.
    """
    syntax = header.dataset.file_meta.TransferSyntaxUID
    length = _length_of_pixels(header)
    bits_stored(header)
    if syntax in NATIVE:
        _check_native(header, length, size)
        values = _decoded(header, syntax, plugin="")
    elif syntax in DECODERS:
        frame = _encoded_frame(header)
        bits = _check_encoded(header, syntax, frame, size)
        is_deep = syntax == EXTENDED and bits > 8
        plugin = _plugin(header, syntax, ("gdcm",) if is_deep else DECODERS[syntax])
        values = _decode_extended(header, frame, size) if is_deep else _decoded(header, syntax, plugin)
    else:
        raise DataError(f"{header.name} is encoded as {_name(syntax)}, which is not read. {_EXPORT}")
    if values.shape != (size if size[2] == 3 else size[:2]):
        raise DataError(f"{header.name} is damaged: its pixels are not of the size that its header gives.")
    return values if size[2] == 3 else _used_bits(values, header, syntax)


def bits_stored(header: Header) -> int:
    """Return the number of bits that hold a value, 1 to 16; raises DataError for a depth that is not read."""
    allocated, stored = header.required("BitsAllocated"), header.required("BitsStored")
    if allocated not in {8, 16} or not 1 <= stored <= allocated:
        raise DataError(f"{header.name} has {stored} bits stored in {allocated}; radiographs of 8 to 16 bits are read.")
    return stored


def _length_of_pixels(header: Header) -> int:
    try:
        length = len(header.dataset["PixelData"].value or b"")
    except damage():
        length = 0
    if not length:
        raise DataError(f"{header.name} is a DICOM file without pixels: none were stored, or the file is cut short.")
    return length


def _check_native(header: Header, length: int, size: tuple[int, int, int]) -> None:
    """Refuse pixels that do not fill the picture: shown anyway, rows would be missing, or of another length."""
    rows, columns, samples = size
    is_subsampled = header.word("PhotometricInterpretation") == "YBR_FULL_422"
    expected = rows * columns * (2 if is_subsampled else samples) * (header.required("BitsAllocated") // 8)
    if not expected <= length <= expected + 1:  # lengths are even
        raise DataError(
            f"{header.name} holds {length:,} bytes of pixels where {columns} x {rows} need {expected:,}. "
            "It is cut short, or its header is wrong."
        )


def _encoded_frame(header: Header) -> bytes:
    from pydicom.encaps import get_frame

    try:
        return get_frame(header.dataset["PixelData"].value, 0, number_of_frames=1)
    except damage():
        raise _undecodable(header) from None


def _check_encoded(header: Header, syntax: UID, frame: bytes, size: tuple[int, int, int]) -> int:
    """Return the bits per sample that the stream declares (0: RLE), or refuse it before a decoder is tried."""
    rows, columns, samples = size
    if syntax == RLE:
        if len(frame) > _LONGEST_RLE * (rows * columns * samples * 2 + 64):
            raise _undecodable(header)
        return 0
    declared = declared_size(frame)
    if declared is None or not is_complete(frame):
        raise _undecodable(header)
    if declared[:2] != (rows, columns):
        raise DataError(
            f"{header.name} is damaged: its header gives {columns} x {rows} pixels, its encoded picture "
            f"{declared[1]} x {declared[0]}."
        )
    return declared[2]


def _plugin(header: Header, syntax: UID, order: tuple[str, ...]) -> str:
    from pydicom.pixels.decoders.base import get_decoder

    available = get_decoder(syntax).available_plugins
    chosen = next((plugin for plugin in order if plugin in available), None)
    if chosen is None:
        raise DataError(
            f"{header.name} is encoded as {_name(syntax)}, for which no decoder is installed. Install the extra, "
            f"pip install 'osteolens[dicom]', or {_EXPORT[0].lower()}{_EXPORT[1:]}"
        )
    return chosen


def _decoded(header: Header, syntax: UID, plugin: str) -> NDArray[Any]:
    from pydicom.pixels.decoders.base import get_decoder

    try:
        decoder = get_decoder(syntax)
        values, _ = decoder.as_array(header.dataset, index=0, decoding_plugin=plugin, correct_unused_bits=False)  # type: ignore[arg-type]
    except damage():
        raise _undecodable(header) from None
    return values


def _decode_extended(header: Header, frame: bytes, size: tuple[int, int, int]) -> NDArray[Any]:
    """Decode JPEG Extended of 12 bits, which pydicom leaves to a plug-in under the GPL although GDCM can.

    The picture is asked for with all 12 bits of the stream: cut to fewer bits stored, what the lossy compression lets
    swing above white would come out black.
    """
    import gdcm

    rows, columns, samples = size
    if samples != 1 or header.whole("PixelRepresentation") == 1:
        raise _undecodable(header)
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(with_whole_spectrum(frame))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    monochrome = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(monochrome))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(EXTENDED)))
    image.SetPixelFormat(gdcm.PixelFormat(1, 12, 12, 11, 0))
    try:
        decoded = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM hands its bytes over as text
        return np.frombuffer(decoded, "<u2").reshape(rows, columns)
    except damage():
        raise _undecodable(header) from None


def _used_bits(values: NDArray[Any], header: Header, syntax: UID) -> NDArray[np.int32]:
    """Return the values without what the unused bits hold, such as overlays of old (PS3.5, section 8.1.1).

    They are masked, but for lossy codecs, which may swing out of the range: there they are clipped.
    """
    stored, is_signed = bits_stored(header), header.whole("PixelRepresentation") == 1
    top = 1 << (stored - 1)
    if syntax in LOSSY:
        low, high = (-top, top - 1) if is_signed else (0, 2 * top - 1)
        return np.clip(values.astype(np.int32), low, high)
    high_bit = header.whole("HighBit")
    shift = 0 if high_bit is None else high_bit + 1 - stored
    room = header.required("BitsAllocated") - stored if syntax in {*NATIVE, RLE} else 0  # a codec's lowest bit is used
    if not 0 <= shift <= room:
        raise header.damaged("HighBit")
    words = (values.astype(np.int32) >> shift) & (2 * top - 1)
    return np.where(words >= top, words - 2 * top, words) if is_signed else words


def _name(syntax: UID) -> str:
    return syntax.name if syntax.name != syntax else "a private transfer syntax"


def _undecodable(header: Header) -> DataError:
    syntax = header.dataset.file_meta.TransferSyntaxUID
    return DataError(f"{header.name} holds pixels ({_name(syntax)}) that are damaged and cannot be decoded.")
