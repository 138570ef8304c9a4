"""What the header of an image file says, which a model without pixels could go by; nothing is decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
from PIL import Image, UnidentifiedImageError

from osteolens.data.dicom.recognition import begins_as_dicom
from osteolens.data.images import DECODER_ERRORS, FORMATS, read_file
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.progress import track


def image_headers(data: RadiographSet) -> pd.DataFrame:
    """Return image_id, width, height (pixels as stored, before any EXIF turn), mode (such as L, RGB) and bytes.

    One row per image of the data set, in its order.

    Raises
    ------
    DataError
        A file cannot be read or is not a picture; the message names it.
    """
    ids = data.frame[Column.IMAGE_ID].tolist()
    rows = [(name, *read_header(data.path(name))) for name in track(ids, "reading image headers")]
    return pd.DataFrame(rows, columns=[Column.IMAGE_ID, "width", "height", "mode", "bytes"])


def read_header(path: Path) -> tuple[int, int, str, int]:
    """Return width, height, colour mode and size in bytes of an image file; see :func:`image_headers`.

    The mode of a DICOM file is its photometric interpretation.
    """
    if begins_as_dicom(path):
        from osteolens.data.dicom.picture import dicom_header

        data = read_file(path)
        return (*dicom_header(data, name=str(path)), len(data))
    try:
        size = path.stat().st_size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # no pixel is unpacked
            with Image.open(path, formats=FORMATS) as image:
                return image.width, image.height, image.mode, size
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not a JPEG, PNG, BMP, TIFF or DICOM picture. Replace it or leave it out."
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} declares more pixels than any radiograph has. Replace it or leave it out.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Replace it or leave it out.") from error
    except DECODER_ERRORS as error:
        raise DataError(f"{path} is damaged and cannot be read: {error}. Replace it or leave it out.") from error
