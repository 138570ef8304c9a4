"""How much colour a picture file holds; radiographs hold none but that of markings and stains."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.dicom.recognition import is_dicom
from osteolens.data.images import DECODER_ERRORS

COLOUR_STEP = 24  # grey levels between channels; storing a grey picture as JPEG in colour makes a few
COLOUR_SHARE = 0.0005  # share of pixels that is noticed: a coloured arrow or letter counts, a stray pixel does not
_LARGEST_SIDE = 256  # pixels; a larger JPEG is decoded at a fraction of its size


def coloured_share(data: bytes) -> float:
    """Return the share (0 to 1) of a picture file's pixels whose channels differ by more than 24 levels.

    A file that Pillow cannot open is said to have none: whoever decodes the picture tells what is wrong with it. So is
    a DICOM file, of which only grey pictures are read; its preamble may be that of a TIFF.
    """
    if is_dicom(data, ""):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a picture that is decoded has been checked
        try:
            with Image.open(BytesIO(data)) as image:
                return _coloured_share(image)
        except (Image.DecompressionBombError, *DECODER_ERRORS):
            return 0.0


def differing_share(channels: NDArray[np.uint8]) -> float:
    """Return the same for RGB uint8 [height, width, 3]."""
    return float((np.ptp(channels, axis=2) > COLOUR_STEP).mean())


def _coloured_share(image: Image.Image) -> float:
    if image.mode in {"1", "L", "LA", "F"} or image.mode.startswith("I"):
        return 0.0
    image.draft("RGB", (_LARGEST_SIDE, _LARGEST_SIDE))
    return differing_share(np.asarray(image.convert("RGB")))
