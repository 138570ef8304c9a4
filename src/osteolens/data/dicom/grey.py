"""Stored values → grey: modality LUT, then VOI LUT or window, then polarity (PS3.4, section N.2).

All of it is a function of the stored value alone. So it is worked out once for each value that the bits stored can
hold, at most 65,536 of them, and looked up for every pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteolens.data.dicom.decoding import bits_stored
from osteolens.data.dicom.header import Header, damage
from osteolens.data.images import Grey
from osteolens.errors import DataError

Levels = NDArray[np.float64]

INVERTED, PLAIN = "MONOCHROME1", "MONOCHROME2"
# Where the shape of the presentation LUT contradicts the polarity, toolkits show opposite pictures.
CONTRADICTIONS = {INVERTED: "IDENTITY", PLAIN: "INVERSE"}
WINDOW_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
LEAST_LINEAR = 1.0  # width of the narrowest LINEAR window (PS3.3, C.11.2.1.2)

# What the grey scale asks for, beside what the gates and the decoding do.
KEYWORDS = (
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence", "WindowCenter", "WindowWidth"),
    *("VOILUTFunction", "PresentationLUTShape", "PixelPaddingValue", "PixelPaddingRangeLimit"),
)


def grey_of(stored: NDArray[np.int32], header: Header) -> Grey:
    """Return stored values as grey, black is 0; padding is black.

    Parameters
    ----------
    stored
        int32 [rows, columns] within the range of the bits stored.

    Raises
    ------
    DataError
        A LUT or a rescaling is unusable, or the header contradicts itself about what is white.
    """
    bits, is_signed = bits_stored(header), header.whole("PixelRepresentation") == 1
    lowest = -(1 << (bits - 1)) if is_signed else 0
    possible = np.arange(lowest, lowest + (1 << bits))
    padding = _padding(possible, header)
    index = stored - lowest
    shown = (np.bincount(index.ravel(), minlength=len(possible)) > 0) & ~padding
    levels = _shares(_modality_values(possible, header), shown, header)
    if _is_inverted(header):
        levels = 1 - levels
    levels[padding] = 0
    table = np.floor(levels * 255 + 0.5).astype(np.uint8)
    return np.take(table, index)


def _padding(possible: NDArray[np.int64], header: Header) -> NDArray[np.bool_]:
    """Return which values are padding (PS3.3, C.7.5.1.1.2): one, or all from it to the range limit."""
    value = header.whole("PixelPaddingValue")
    if value is None:
        return np.zeros(len(possible), bool)
    limit = header.whole("PixelPaddingRangeLimit")
    ends = [_as_stored(end, header) for end in (value, value if limit is None else limit)]
    return (possible >= min(ends)) & (possible <= max(ends))


def _as_stored(value: int, header: Header) -> int:
    """Return a value written as unsigned as the negative number that it is among signed pixels."""
    half = 1 << (header.required("BitsAllocated") - 1)
    return value - 2 * half if header.whole("PixelRepresentation") == 1 and value >= half else value


def _modality_values(possible: NDArray[np.int64], header: Header) -> Levels:
    table = header.item("ModalityLUTSequence")
    if table is not None:
        return _looked_up(possible.astype(float), table)[0]
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if slope == 0:
        raise header.damaged("RescaleSlope")
    values: Levels = possible.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
    return values


def _shares(values: Levels, shown: NDArray[np.bool_], header: Header) -> Levels:
    """Return the share of the grey range, 0 to 1, for each modality value: by LUT, by window or over the range shown.

    Where a header gives both, the LUT counts; of several LUTs or windows the first. Where it gives neither, the range
    is that of the pixels without padding: all of it, since no percentile suits both a hand and a hip.
    """
    table = header.item("VOILUTSequence")
    if table is not None:
        levels, highest = _looked_up(values, table)
        return np.clip(levels / highest, 0, 1)
    window = _window(header)
    if window is not None:
        return _windowed(values, *window)
    seen = values[shown]
    low, high = (seen.min(), seen.max()) if seen.size else (0.0, 0.0)
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)


def _window(header: Header) -> tuple[float, float, str] | None:
    """Return centre, width and function of the first window; None without one, or for one of no width."""
    center, width = header.number("WindowCenter"), header.number("WindowWidth")
    function = header.word("VOILUTFunction") or "LINEAR"
    if function not in WINDOW_FUNCTIONS:
        raise header.damaged("VOILUTFunction")
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < LEAST_LINEAR):
        return None
    return center, width, function


def _windowed(values: Levels, center: float, width: float, function: str) -> Levels:
    """Apply a window with pydicom.

    It is given a data set of 1 bit, so that its output is the share: from the picture's own it would work out a range
    of output that a negative rescale slope turns upside down.
    """
    from pydicom.dataset import Dataset
    from pydicom.pixels.processing import apply_windowing

    dataset = Dataset()
    dataset.PhotometricInterpretation = PLAIN
    dataset.BitsStored, dataset.PixelRepresentation = 1, 0
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = repr(center)[:16], repr(width)[:16], function
    with np.errstate(over="ignore"):  # a sigmoid far below its centre
        return np.asarray(apply_windowing(values, dataset), float)


def _looked_up(values: Levels, table: Header) -> tuple[Levels, float]:
    """Return what a LUT gives for each value, and the highest value that it can give (PS3.3, C.11.1.1 and C.11.2.1.1).

    pydicom's own keeps indices in the type of the entries, so that with 8-bit entries those above 255 wrap round, and
    does not unpack 8-bit entries from words.
    """
    described = table.numbers("LUTDescriptor")
    try:
        entries, first, bits = int(described[0]) or 1 << 16, described[1], int(described[2])
        data = _entries(table, entries, bits)
    except damage():
        raise table.damaged("LUTData") from None
    if not 8 <= bits <= 16 or len(data) != entries:
        raise table.damaged("LUTData")
    index = np.clip(np.floor(values + 0.5) - first, 0, entries - 1).astype(np.int64)
    return data[index].astype(float), float((1 << bits) - 1)


def _entries(table: Header, entries: int, bits: int) -> NDArray[np.uint16]:
    """Return the entries of a LUT, kept as words, as bytes of 8 bits, or as numbers."""
    values = table.dataset["LUTData"].value
    if not isinstance(values, bytes):
        return np.asarray(values, np.uint16)[:entries]
    is_bytes = bits == 8 and len(values) <= entries + 1
    order = "<" if table.dataset.original_encoding[1] is not False else ">"
    words = np.frombuffer(values, np.uint8 if is_bytes else f"{order}u2")
    return words[:entries].astype(np.uint16)


def _is_inverted(header: Header) -> bool:
    """Tell whether the lowest value is white.

    The shape INVERSE states the same as MONOCHROME1 and is no second inversion (PS3.3, C.8.11.3.1.2).
    """
    polarity, shape = header.word("PhotometricInterpretation"), header.word("PresentationLUTShape")
    if shape == CONTRADICTIONS[polarity]:
        raise DataError(
            f"{header.name} contradicts itself: {polarity} with the presentation LUT shape {shape}, so white could be "
            "black. Export it again."
        )
    return polarity == INVERTED
