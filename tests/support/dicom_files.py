"""DICOM files as the tests need them: a small radiograph, changed in one respect each."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def row_of(*values: int, dtype: Any = np.uint16) -> NDArray[Any]:
    """A picture of 16 equal rows that begin with the given values, 16 pixels wide; the last value goes on."""
    row = np.array([*values, *[values[-1]] * (16 - len(values))], dtype)
    return np.tile(row, (16, 1))


def radiograph(
    pixels: NDArray[Any], *, bits: int | None = None, syntax: str = ExplicitVRLittleEndian, **elements: Any
) -> FileDataset:
    """A computed radiograph with these stored values; an element given as None is left out."""
    dataset = FileDataset("", {}, preamble=bytes(128), file_meta=FileMetaDataset())
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = CR, "1.2.3.4"
    allocated = 8 * pixels.dtype.itemsize
    stored = allocated if bits is None else bits
    colours = 3 if pixels.ndim == 3 else 1
    defaults = {
        "SOPClassUID": CR,
        "SOPInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3",
        "StudyInstanceUID": "1.2",
        "Modality": "CR",
        "BodyPartExamined": "KNEE",
        "PatientName": "DOE^JANE",
        "PatientID": "4711",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": colours,
        "BitsAllocated": allocated,
        "BitsStored": stored,
        "HighBit": stored - 1,
        "PhotometricInterpretation": "RGB" if colours == 3 else "MONOCHROME2",
        "PixelRepresentation": int(np.issubdtype(pixels.dtype, np.signedinteger)),
        "PixelData": pixels.tobytes(),
    }
    if colours == 3:
        defaults["PlanarConfiguration"] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some values are meant to be odd
        for keyword, value in {**defaults, **elements}.items():
            if value is not None:
                setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW" if allocated > 8 else "OB"
    return dataset


def encapsulated(pixels: NDArray[Any], frame: bytes, syntax: str, **elements: Any) -> FileDataset:
    """The same around a picture that is encoded already."""
    dataset = radiograph(pixels, syntax=syntax, PixelData=encapsulate([frame]), **elements)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def lookup_table(entries: list[int], first: int, bits: int) -> Dataset:
    """An item of a LUT sequence, its entries as words."""
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = np.array(entries, "<u2").tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "SS" if first < 0 else "US", "OW"
    return item


def file_bytes(dataset: FileDataset) -> bytes:
    """The bytes of the file; odd content is written without a word."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(stream, dataset, enforce_file_format=False)
    return stream.getvalue()
