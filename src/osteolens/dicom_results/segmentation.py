"""The region of the map as a Segmentation that viewers lay over the radiograph."""

from __future__ import annotations

from datetime import datetime

from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription

from osteolens.data.dicom.identity import DicomIdentity
from osteolens.dicom_results import codes
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.equipment import MAKER, common
from osteolens.dicom_results.region import stored_region
from osteolens.dicom_results.source import complete, orient, reference_source
from osteolens.dicom_results.uids import derived_uid

SEGMENT = 1
_LONGEST_LABEL = 64  # characters (VR LO)
_SYNTAX = "1.2.840.10008.1.2.1"  # explicit VR little endian


def make_segmentation(identity: DicomIdentity, answered: AnsweredPicture, made_at: datetime) -> Segmentation | None:
    """Return the region on the stored pixels of the radiograph; None where the map shows nothing."""
    inside = stored_region(answered.evidence, int(identity.values["Rows"]), int(identity.values["Columns"]))
    if inside is None or answered.evidence is None:
        return None
    made = Segmentation(
        source_images=[reference_source(identity)],
        pixel_array=inside,
        segmentation_type="BINARY",
        segment_descriptions=[_description(identity, answered, answered.evidence.class_name)],
        content_label="MODEL_EVIDENCE",
        content_description="Region of a model's evidence, not of a lesion",
        transfer_syntax_uid=_SYNTAX,
        coding_schemes=[codes.own_scheme()],
        **common(identity, answered, "segmentation", made_at),
    )
    orient(identity, made)
    _name_dimensions(made)
    complete(identity, made, made_at)
    return made


def tracking_uid(identity: DicomIdentity, answered: AnsweredPicture) -> str:
    """Return the UID by which the report tells of the same region."""
    return derived_uid("region", identity.instance_uid, answered.identity)


def _name_dimensions(made: Segmentation) -> None:
    """Give the dimension organisation a UID that is worked out like the others, not drawn."""
    uid = derived_uid("dimensions", made.SOPInstanceUID)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid


def _description(identity: DicomIdentity, answered: AnsweredPicture, class_name: str) -> SegmentDescription:
    """Describe the segment by what it is: a place that a model used, no abnormal structure."""
    return SegmentDescription(
        segment_number=SEGMENT,
        segment_label=f"Model evidence for {class_name}"[:_LONGEST_LABEL],
        segmented_property_category=codes.SPATIAL_CONCEPT,
        segmented_property_type=codes.EVIDENCE_REGION,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=MAKER, family=codes.ARTIFICIAL_INTELLIGENCE, version=answered.version, source=MAKER
        ),
        tracking_uid=tracking_uid(identity, answered),
        tracking_id="osteolens region of evidence",
    )
