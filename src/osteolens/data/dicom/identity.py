"""Who and what a DICOM file is about: asked for by what writes derived objects, and read nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osteolens.data.dicom.parsing import parse
from osteolens.data.dicom.recognition import is_dicom
from osteolens.data.images import read_file
from osteolens.errors import DataError

INSTANCE = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
# Of the patient and study modules (PS3.3, C.7.1.1 and C.7.2.1), and the geometry of the picture that is referred to.
PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyDescription")
PICTURE = (
    *("Modality", "Rows", "Columns", "NumberOfFrames", "FrameOfReferenceUID", "BodyPartExamined", "Laterality"),
    *("ImageLaterality", "ViewPosition", "PatientOrientation", "PixelSpacing", "ImagerPixelSpacing"),
    *("BurnedInAnnotation", "PixelAspectRatio", "SeriesNumber", "InstanceNumber", "SpecificCharacterSet"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)


@dataclass(frozen=True, slots=True)
class DicomIdentity:
    """What an object derived from a picture must refer to and repeat.

    It holds patient data, so its text (``repr``, ``str``) shows none of it.

    Attributes
    ----------
    values
        Keyword to value of the elements of :data:`INSTANCE`, :data:`PATIENT`, :data:`STUDY` and :data:`PICTURE` that
        the file has. Those of :data:`INSTANCE` are there and not empty.
    transfer_syntax
        UID of the file's encoding.
    """

    values: Mapping[str, Any] = field(repr=False)
    transfer_syntax: str = field(repr=False)

    @property
    def study_uid(self) -> str:
        """UID of the study."""
        return str(self.values["StudyInstanceUID"])

    @property
    def series_uid(self) -> str:
        """UID of the series."""
        return str(self.values["SeriesInstanceUID"])

    @property
    def instance_uid(self) -> str:
        """UID of the object."""
        return str(self.values["SOPInstanceUID"])


def dicom_identity(path: Path) -> DicomIdentity:
    """Read the identity of a DICOM file. Call it only where the user asked for objects that refer to a patient.

    Raises
    ------
    DataError
        The file is no DICOM file, is damaged, or lacks a UID that a reference needs.
    """
    data = read_file(path)
    if not is_dicom(data, path.name):
        raise DataError(f"{path} is not a DICOM file, so no DICOM object can refer to it.")
    header = parse(data, str(path), (*INSTANCE, *PATIENT, *STUDY, *PICTURE), pixels=False)
    values = {}
    for keyword in (*INSTANCE, *PATIENT, *STUDY, *PICTURE):
        header.values(keyword)  # refuses one that is damaged
        if keyword in header.dataset:
            values[keyword] = header.dataset.get(keyword)
    missing = [keyword for keyword in INSTANCE if not values.get(keyword)]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}, so no DICOM object can refer to it. Export it again.")
    return DicomIdentity(values, str(header.dataset.file_meta.TransferSyntaxUID))
