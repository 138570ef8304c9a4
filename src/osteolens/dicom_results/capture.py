"""The answer as a picture: a Secondary Capture that every viewer shows."""

from __future__ import annotations

from datetime import datetime

from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from osteolens.data.dicom.identity import DicomIdentity
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.codes import SOURCE_OF_PROCESSING
from osteolens.dicom_results.drawing import burnt_in
from osteolens.dicom_results.equipment import common
from osteolens.dicom_results.source import (
    complete,
    lossy_compression,
    orient,
    reference_source,
    tell_side,
    tell_where_stated,
)
from osteolens.dicom_results.wording import NOTICE

_SYNTAX = "1.2.840.10008.1.2.1"  # explicit VR little endian: every archive and viewer reads it
_ANY_ORIENTATION = ("L", "F")  # asked for by highdicom; replaced by the radiograph's, which may be empty


def make_capture(identity: DicomIdentity, answered: AnsweredPicture, made_at: datetime) -> SCImage:
    """Return the radiograph with map, region and words burnt in.

    It has no pixel spacing: lengths are measured on the radiograph, not on its enlarged and coloured copy.
    """
    arguments = common(identity, answered, "capture", made_at)
    del arguments["content_qualification"]  # not an element of this object
    capture = SCImage.from_ref_dataset(
        ref_dataset=reference_source(identity),
        pixel_array=burnt_in(answered),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=_ANY_ORIENTATION,
        transfer_syntax_uid=_SYNTAX,
        **arguments,
    )
    orient(identity, capture)
    tell_side(identity, capture)
    # Burnt in is what a model says. The standard asks whether a picture tells the patient: this one does where the
    # radiograph does.
    tell_where_stated(identity, capture, "BodyPartExamined", "BurnedInAnnotation")
    capture.ConversionType = "WSD"  # made on a workstation
    capture.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    capture.ImageComments = NOTICE
    capture.DateOfSecondaryCapture, capture.TimeOfSecondaryCapture = capture.ContentDate, capture.ContentTime
    for keyword, value in lossy_compression(identity).items():
        setattr(capture, keyword, value)
    _refer(capture, identity)
    complete(identity, capture, made_at)
    return capture


def _refer(capture: SCImage, identity: DicomIdentity) -> None:
    """Name the radiograph that the picture was made from (PS3.3, C.7.6.16.2.6 and C.7.6.1)."""
    source = Dataset()
    source.ReferencedSOPClassUID = identity.values["SOPClassUID"]
    source.ReferencedSOPInstanceUID = identity.instance_uid
    source.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(SOURCE_OF_PROCESSING)]
    capture.SourceImageSequence = [source]
    capture.DerivationDescription = "Class-activation map of a neural network laid over the radiograph, with words"
