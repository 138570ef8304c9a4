"""Which bytes are a DICOM file. No DICOM library is needed to tell."""

from __future__ import annotations

from pathlib import Path, PurePath

from osteolens.domain import DICOM_SUFFIXES

PREAMBLE = 128  # bytes before the letters DICM (PS3.10, section 7.1)
MAGIC = b"DICM"
_HEAD = PREAMBLE + len(MAGIC)  # bytes that suffice to tell
# The groups with which a data set without preamble begins: file meta information, or identification in either order.
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def is_dicom(data: bytes, name: str) -> bool:
    """Tell whether bytes are a DICOM file; those without preamble only if `name` ends in .dcm or .dicom."""
    if data[PREAMBLE:_HEAD] == MAGIC:
        return True
    return PurePath(name).suffix.lower() in DICOM_SUFFIXES and data[:2] in _FIRST_GROUPS


def begins_as_dicom(path: Path) -> bool:
    """Tell the same of a file, of which only the beginning is read; one that cannot be read is none."""
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(_HEAD), path.name)
    except OSError:  # told by whoever reads it
        return False
