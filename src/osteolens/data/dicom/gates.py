"""What a DICOM file must be before its pixels are looked at: one radiograph, of a part of the body that is answered."""

from __future__ import annotations

import logging

from osteolens.data.dicom.header import Header
from osteolens.data.dicom.regions import refused_region
from osteolens.data.images import LARGEST_PIXELS, SMALLEST_SIDE
from osteolens.errors import DataError, RegionError

logger = logging.getLogger("osteolens")

RADIOGRAPHS = ("CR", "DX", "DR", "RG")  # computed, digital (DR: in use, though no term of the standard), film
UNTOLD = ("OT", "SC")  # other: secondary captures; the header does not tell of what
REFUSED_MODALITIES = {  # terms of PS3.3, C.7.3.1.1.1
    "BI": "a biomagnetic image",
    "BMD": "a bone densitometry",
    "CT": "a CT image",
    "DOC": "a document",
    "ECG": "an electrocardiogram",
    "ES": "an endoscopy",
    "GM": "a microscopy",
    "IO": "a dental radiograph",
    "KO": "a selection of key objects",
    "MG": "a mammogram",
    "MR": "an MR image",
    "NM": "a nuclear medicine image",
    "OCT": "an optical tomography",
    "OP": "an ophthalmic photograph",
    "PR": "a presentation state",
    "PT": "a PET image",
    "PX": "a panoramic dental radiograph",
    "REG": "a registration",
    "RF": "a fluoroscopy",
    "RTDOSE": "a radiotherapy dose",
    "RTIMAGE": "a radiotherapy image",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "a radiotherapy structure set",
    "SEG": "a segmentation",
    "SM": "a slide microscopy",
    "SR": "a structured report",
    "US": "an ultrasound image",
    "XA": "an angiography",
    "XC": "a photograph",
}
_STORAGE = "1.2.840.10008.5.1.4.1.1."
COMPUTED, DIGITAL, DIGITAL_RAW = _STORAGE + "1", _STORAGE + "1.1", _STORAGE + "1.1.1"
CAPTURES = tuple(_STORAGE + kind for kind in ("7", "7.1", "7.2", "7.3", "7.4"))
READ_CLASSES = (COMPUTED, DIGITAL, *CAPTURES)
_WAY_OUT = "Only radiographs (CR, DX) and single captures of them are read."

# Everything the gates ask for.
KEYWORDS = (
    *("SOPClassUID", "Modality", "PresentationIntentType", "BodyPartExamined", "AnatomicRegionSequence"),
    *("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel"),
)


def check_kind(header: Header, *, any_region: bool = False) -> None:
    """Refuse what is no single radiograph of a part of the body that is answered.

    Parameters
    ----------
    any_region
        Let every part of the body pass.

    Raises
    ------
    DataError
        The modality or the object's class is another, the picture is raw or has several frames.
    RegionError
        It shows another part of the body.
    """
    _check_modality(header)
    _check_class(header)
    if header.word("PresentationIntentType") == "FOR PROCESSING":
        raise _raw(header)
    if (frames := header.whole("NumberOfFrames") or 1) > 1:
        raise DataError(f"{header.name} holds {frames} frames. Store the radiograph in a DICOM file of its own.")
    if not any_region:
        _check_region(header)


def check_size(header: Header) -> tuple[int, int, int]:
    """Return rows, columns and samples per pixel of a picture that is neither too small nor too large to decode."""
    rows, columns = header.required("Rows"), header.required("Columns")
    samples = header.whole("SamplesPerPixel") or 1
    if samples not in {1, 3}:
        raise DataError(f"{header.name} has {samples} samples per pixel; radiographs with 1 (grey) or 3 are read.")
    if min(rows, columns) < SMALLEST_SIDE:
        raise DataError(
            f"{header.name} has {columns} x {rows} pixels; a radiograph needs at least {SMALLEST_SIDE} a side."
        )
    if rows * columns * samples > LARGEST_PIXELS:
        raise DataError(f"{header.name} has {columns} x {rows} pixels; at most {LARGEST_PIXELS:,} values are read.")
    return rows, columns, samples


def _check_modality(header: Header) -> None:
    modality = header.word("Modality")
    if modality in REFUSED_MODALITIES:
        raise DataError(f"{header.name} is {REFUSED_MODALITIES[modality]} (modality {modality}). {_WAY_OUT}")
    if modality in UNTOLD:
        logger.warning("%s has modality %s: its header does not tell that it is a radiograph.", header.name, modality)
    elif not modality and header.word("SOPClassUID") not in {COMPUTED, DIGITAL, DIGITAL_RAW}:
        raise DataError(f"{header.name} is a DICOM file that does not tell its modality. {_WAY_OUT}")
    elif modality and modality not in RADIOGRAPHS:
        raise DataError(f"{header.name} is a DICOM file of a modality that is not read. {_WAY_OUT}")


def _check_class(header: Header) -> None:
    """Refuse classes of the standard that are no radiographs; private ones and none go by their modality."""
    from pydicom.uid import UID

    uid = header.word("SOPClassUID")
    if uid == DIGITAL_RAW:
        raise _raw(header)
    if uid in READ_CLASSES or UID(uid).name == uid:
        return
    raise DataError(f"{header.name} is a DICOM object of the class {UID(uid).name}. {_WAY_OUT}")


def _check_region(header: Header) -> None:
    region = header.item("AnatomicRegionSequence")
    if words := refused_region(header.word("BodyPartExamined"), region.word("CodeValue") if region else ""):
        raise RegionError(
            f"{header.name} is a radiograph of {words}, as its header says; "
            "the limbs, the shoulder, the hip and the pelvis are answered.",
            region=words,
        )


def _raw(header: Header) -> DataError:
    return DataError(
        f"{header.name} is a raw radiograph, FOR PROCESSING. Send the processed one, FOR PRESENTATION, of the same "
        "exposure."
    )
