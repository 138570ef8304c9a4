"""The bytes of a DICOM file → one grey picture, or a refusal in words."""

from __future__ import annotations

from osteolens.data.dicom import colour, decoding, gates, geometry, grey
from osteolens.data.dicom.header import Header
from osteolens.data.dicom.parsing import be_silent, parse
from osteolens.data.images import Grey
from osteolens.errors import DataError

_KEYWORDS = (*gates.KEYWORDS, *decoding.KEYWORDS, *grey.KEYWORDS, *colour.KEYWORDS, *geometry.KEYWORDS)
_INTERPRETATIONS = (*grey.CONTRADICTIONS, colour.PALETTE, *colour.COLOURS)


def decode_dicom(data: bytes, *, name: str, any_region: bool = False) -> Grey:
    """Decode a DICOM radiograph.

    Orientation is left as stored: Patient Orientation tells which side is which and the standard asks no viewer to
    turn by it; Field of View Rotation and Flip tell what was done already.

    Parameters
    ----------
    any_region
        Decode it whatever part of the body its header names.

    Returns
    -------
    numpy.ndarray
        uint8 [height, width], black is 0, with square pixels. Overlays, and letters that are no pixels, are left out.

    Raises
    ------
    DataError
        It is no single radiograph, or it cannot be decoded. The message holds nothing of the header but terms of the
        standard and sizes.
    RegionError
        It is one of a part of the body that is not answered.
    """
    header = parse(data, name, _KEYWORDS, pixels=False)
    gates.check_kind(header, any_region=any_region)
    size = gates.check_size(header)
    interpretation = _interpretation(header, size[2])
    header = parse(data, name, _KEYWORDS)
    stored = decoding.stored_values(header, size)
    if interpretation in grey.CONTRADICTIONS:
        picture = grey.grey_of(stored, header)
    elif interpretation == colour.PALETTE:
        picture = colour.grey_of_colours(colour.colours_of_palette(stored, header), header)
    else:
        picture = colour.grey_of_colours(stored, header)
    return geometry.square_pixels(picture, header)


def dicom_header(data: bytes, *, name: str) -> tuple[int, int, str]:
    """Return width, height (pixels as stored) and photometric interpretation of a DICOM picture; nothing is decoded."""
    header = parse(data, name, _KEYWORDS, pixels=False)
    return header.required("Columns"), header.required("Rows"), _interpretation(header, None)


def _interpretation(header: Header, samples: int | None) -> str:
    interpretation = header.word("PhotometricInterpretation")
    if interpretation not in _INTERPRETATIONS:
        raise DataError(f"{header.name} is a DICOM picture of a photometric interpretation that is not read.")
    if samples is not None and (samples == 3) != (interpretation in colour.COLOURS):
        raise header.damaged("PhotometricInterpretation")
    return interpretation


be_silent()  # once before any thread reads: see there
