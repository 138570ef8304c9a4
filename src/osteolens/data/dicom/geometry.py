"""Pixels that are not square: the picture is brought to square ones."""

from __future__ import annotations

import cv2
import numpy as np

from osteolens.data.dicom.header import Header
from osteolens.data.images import SMALLEST_SIDE, Grey
from osteolens.errors import DataError

# Distances of rows and of columns in mm, the nearest to the patient first; then the ratio alone.
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
KEYWORDS = SPACINGS
UNNOTICED = 0.01  # departure from square below which resampling would only blur
LARGEST_RATIO = 10.0  # film digitisers reach 2


def square_pixels(grey: Grey, header: Header) -> Grey:
    """Return a picture with square pixels: the finer side is shrunk by averaging, so no detail is made up.

    Raises
    ------
    DataError
        Pixels are more than ten times as high as wide, or the reverse: the header is wrong.
    """
    ratio = pixel_ratio(header)
    if abs(ratio - 1) < UNNOTICED:
        return grey
    height, width = grey.shape
    if ratio > 1:
        width = round(width / ratio)
    else:
        height = round(height * ratio)
    if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO or min(height, width) < SMALLEST_SIDE:
        raise DataError(f"{header.name} has pixels {ratio:.3g} times as high as wide; its header must be wrong.")
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def pixel_ratio(header: Header) -> float:
    """Return the height of a pixel over its width; 1 where nothing usable is told."""
    for keyword in SPACINGS:
        numbers = header.numbers(keyword)
        if len(numbers) == 2 and min(numbers) > 0:
            return numbers[0] / numbers[1]
    return 1.0
