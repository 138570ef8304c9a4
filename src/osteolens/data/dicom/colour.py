"""DICOM pictures in colour: read as grey where all channels are alike, else refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.colour import COLOUR_SHARE, differing_share
from osteolens.data.dicom.header import Header, damage
from osteolens.data.images import Grey
from osteolens.errors import DataError

PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422")

# What a palette asks for, beside what gates and decoding do.
KEYWORDS = tuple(
    f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")
)


def grey_of_colours(colours: NDArray[Any], header: Header) -> Grey:
    """Return the luminance of RGB [rows, columns, 3] whose channels are alike.

    Raises
    ------
    DataError
        The channels differ, as in a screenshot with coloured marks, or have more than 8 bits.
    """
    if colours.dtype != np.uint8:
        raise DataError(f"{header.name} is a colour picture of more than 8 bits a channel, which is not read.")
    if differing_share(colours) > COLOUR_SHARE:
        raise DataError(f"{header.name} is a picture in colour; a radiograph is grey. Export the radiograph itself.")
    return np.asarray(Image.fromarray(colours).convert("L"))


def colours_of_palette(stored: NDArray[np.int32], header: Header) -> NDArray[np.uint8]:
    """Look stored values up in a palette; return RGB [rows, columns, 3]."""
    from pydicom.pixels.processing import apply_color_lut

    try:
        colours = apply_color_lut(stored, header.dataset)
    except damage():
        raise header.damaged("RedPaletteColorLookupTableData") from None
    return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)
