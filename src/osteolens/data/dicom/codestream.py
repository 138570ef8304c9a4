"""What an encoded picture says of itself, read before a decoder is trusted with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_J2K_START = b"\xff\x4f\xff\x51"  # SOC, SIZ (ISO 15444-1, annex A)
_PADDING = b"\0\xff"  # to an even length
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
# SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC), and SOF55 of JPEG-LS
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL, _SCAN = {0xC0, 0xC1}, 0xDA  # SOF0 and SOF1, SOS
_WHOLE_SPECTRUM = bytes([0, 63, 0])  # Ss, Se, Ah and Al: the only ones of a sequential scan (ITU-T T.81, table B.3)


def declared_size(frame: bytes) -> tuple[int, int, int] | None:
    """Return rows, columns and bits per sample that a JPEG, JPEG-LS or JPEG 2000 stream declares, or None."""
    start = frame.find(_J2K_START, 0, 4096)  # a few files keep the stream in the boxes of a JP2 file
    try:
        return _of_jpeg_2000(frame, start) if start >= 0 else _of_jpeg(frame)
    except (struct.error, IndexError):
        return None


def is_complete(frame: bytes) -> bool:
    """Tell whether a stream has its end marker; a decoder may fill what is missing with grey and say nothing."""
    return frame.rstrip(_PADDING).endswith(_END)


def with_whole_spectrum(frame: bytes) -> bytes:
    """Return a sequential JPEG with the spectral selection that its scan must state; any other stream as it is.

    Some encoders state another. No decoder can heed it, but libjpeg prints a line about it on standard error.
    """
    try:
        places = dict(_segments(frame))
        if not _SEQUENTIAL & places.keys() or _SCAN not in places:
            return frame
        start = places[_SCAN] + 1 + 2 * frame[places[_SCAN]]
    except (struct.error, IndexError):
        return frame
    return frame[:start] + _WHOLE_SPECTRUM + frame[start + len(_WHOLE_SPECTRUM) :]


def _of_jpeg_2000(frame: bytes, start: int) -> tuple[int, int, int]:
    right, lower, left, upper = struct.unpack_from(">4I", frame, start + 8)
    return lower - upper, right - left, (frame[start + 42] & 0x7F) + 1


def _of_jpeg(frame: bytes) -> tuple[int, int, int] | None:
    for marker, place in _segments(frame):
        if marker in _FRAMES:
            bits, rows, columns = struct.unpack_from(">BHH", frame, place)
            return rows, columns, bits
    return None


def _segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment of a JPEG, and where its content begins, up to the first scan."""
    position, marker = 2, 0  # after SOI
    while marker != _SCAN and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill
            position += 1
        else:
            yield marker, position + 4
            position += 2 + struct.unpack_from(">H", frame, position + 2)[0]
