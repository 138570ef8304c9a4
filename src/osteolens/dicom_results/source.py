"""What every object takes over from the radiograph: patient and study, and nothing private."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from osteolens.data.dicom.decoding import LOSSY
from osteolens.data.dicom.identity import PATIENT, STUDY, DicomIdentity
from osteolens.dicom_results.conformance import conforming

UNICODE = "ISO_IR 192"  # UTF-8: holds every name of a patient and every name of a class
# Needed in every object, perhaps empty (type 2).
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)
_METHODS = {"4.5": "ISO_10918_1", "4.8": "ISO_14495_1", "4.9": "ISO_15444_1", "4.20": "ISO_15444_15"}
_COMPRESSED = "1.2.840.10008.1.2."


def reference_source(identity: DicomIdentity) -> Dataset:
    """Return the radiograph as highdicom is told of it: UIDs, size, lossy compression, and no patient.

    highdicom refuses odd names and sexes, and logs names; :func:`complete` writes those that may stand. A frame of
    reference is left out: a projection has no place in the patient's coordinates.
    """
    source = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Rows", "Columns"):
        setattr(source, keyword, identity.values[keyword])
    source.Modality = identity.values.get("Modality") or "OT"
    source.SpecificCharacterSet = UNICODE
    for keyword in _TYPE_2:
        setattr(source, keyword, None)
    for keyword, value in lossy_compression(identity).items():
        setattr(source, keyword, value)
    source.file_meta = FileMetaDataset()
    source.file_meta.TransferSyntaxUID = UID(identity.transfer_syntax)
    return source


def complete(identity: DicomIdentity, made: Dataset, made_at: datetime) -> None:
    """Write what the constructors of highdicom leave to the clock or out: patient, study, time of making."""
    _take_over(identity, made)
    made.InstanceCreationDate, made.InstanceCreationTime = made_at.date(), made_at.time().replace(tzinfo=None)
    for equipment in made.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = made_at.replace(tzinfo=None)


def orient(identity: DicomIdentity, made: Dataset) -> None:
    """Write which edge of the radiograph is which side of the patient; the element is asked for, perhaps empty."""
    _write(made, "PatientOrientation", conforming(identity, "PatientOrientation"))


def tell_side(identity: DicomIdentity, made: Dataset) -> None:
    """Write the side of a paired part of the body, in the one of two elements that the radiograph has it in."""
    side = "ImageLaterality" if conforming(identity, "ImageLaterality") else "Laterality"
    _write(made, side, conforming(identity, side))


def tell_where_stated(identity: DicomIdentity, made: Dataset, *keywords: str) -> None:
    """Write elements that may be left out, where the radiograph has them."""
    for keyword in keywords:
        if conforming(identity, keyword):
            _write(made, keyword, conforming(identity, keyword))


def _take_over(identity: DicomIdentity, made: Dataset) -> None:
    """Write patient and study of the radiograph into an object; a value that is not as the standard asks stays out."""
    for keyword in _TYPE_2:
        _write(made, keyword, conforming(identity, keyword))
    tell_where_stated(identity, made, *(keyword for keyword in (*PATIENT, *STUDY) if keyword not in _TYPE_2))
    made.SpecificCharacterSet = UNICODE


def lossy_compression(identity: DicomIdentity) -> dict[str, Any]:
    """Return the elements that tell of lossy compression, which cling to whatever is derived (PS3.3, C.7.6.1.1.5)."""
    is_lossy = identity.transfer_syntax in LOSSY or identity.values.get("LossyImageCompression") == "01"
    if not is_lossy:
        return {"LossyImageCompression": "00"}
    told: dict[str, Any] = {"LossyImageCompression": "01"}
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if identity.values.get(keyword):
            told[keyword] = identity.values[keyword]
    kind = identity.transfer_syntax.removeprefix(_COMPRESSED)
    method = next((name for prefix, name in _METHODS.items() if kind.startswith(prefix)), None)
    if method and "LossyImageCompressionMethod" not in told and identity.transfer_syntax in LOSSY:
        told["LossyImageCompressionMethod"] = method
    return told


def _write(made: Dataset, keyword: str, value: Any) -> None:
    """Write a value unchecked; names as text, free of the character set that they came in."""
    tag = tag_for_keyword(keyword) or 0
    text = str(value) if isinstance(value, PersonName) else value
    made[tag] = DataElement(tag, dictionary_VR(tag), text, validation_mode=config.IGNORE)
