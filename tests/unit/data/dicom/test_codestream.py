from __future__ import annotations

import pytest

from osteolens.data.dicom.codestream import declared_size, with_whole_spectrum

START, TABLE = "ffd8", "ffffc4000511ff00"  # a fill byte, and a table whose content looks like a marker
SIZE = "000b0c0028003001011100"  # 12 bits, 40 x 48, one component
SCAN, CODED = "ffda00080101", "fe28ffd9"


def stream(frame: str, spectrum: str) -> bytes:
    return bytes.fromhex(START + TABLE + frame + SIZE + SCAN + "00" + spectrum + CODED)


@pytest.mark.parametrize("frame", ["ffc0", "ffc1"])
def test_a_sequential_scan_is_said_to_hold_the_whole_spectrum(frame: str) -> None:
    whole = stream(frame, "003f00")  # coefficients 0 to 63, all bits at once
    assert with_whole_spectrum(stream(frame, "000000")) == whole
    assert with_whole_spectrum(whole) == whole
    assert declared_size(whole) == (40, 48, 12)


def test_other_and_broken_streams_stay_as_they_are() -> None:
    progressive, lossless = stream("ffc2", "000000"), stream("ffc3", "010000")
    no_scan = bytes.fromhex(START + "ffc1" + SIZE)
    for frame in (progressive, lossless, no_scan, no_scan + b"\xff", no_scan + b"\xff\xda\x00", b"", b"\xff\xd8"):
        assert with_whole_spectrum(frame) == frame
