"""The answer as a Structured Report by the template TID 1500 (PS3.16), for programs that read findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegmentationFrame,
    SourceImageForMeasurementGroup,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
)
from highdicom.sr.templates import DeviceObserverIdentifyingAttributes
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code

from osteolens.data.dicom.identity import DicomIdentity
from osteolens.dicom_results import codes
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.equipment import MAKER, common
from osteolens.dicom_results.region import region
from osteolens.dicom_results.segmentation import SEGMENT, tracking_uid
from osteolens.dicom_results.source import complete, reference_source
from osteolens.dicom_results.uids import derived_uid
from osteolens.dicom_results.wording import NOTICE, accepted_words

_SYNTAX = "1.2.840.10008.1.2.1"  # explicit VR little endian
_DIGITS = 6  # decimals of a number: decimal strings hold 16 characters


def make_report(
    identity: DicomIdentity, answered: AnsweredPicture, segmentation: Segmentation | None, made_at: datetime
) -> ComprehensiveSR:
    """Return the report: preliminary, not verified, with the model as the observer."""
    source = reference_source(identity)
    arguments = common(identity, answered, "report", made_at)
    del arguments["content_qualification"]  # not an element of this object
    report = ComprehensiveSR(
        evidence=[source] if segmentation is None else [source, segmentation],
        content=_content(identity, answered, source, segmentation),
        transfer_syntax_uid=_SYNTAX,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[codes.own_scheme()],
        **arguments,
    )
    complete(identity, report, made_at)
    return report


def _content(
    identity: DicomIdentity, answered: AnsweredPicture, source: Dataset, segmentation: Segmentation | None
) -> MeasurementReport:
    groups: list[MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations]
    groups = [_output(identity, answered, source)]
    if segmentation is not None:
        groups.append(_region(identity, answered, source, segmentation))
    for group in groups:
        for sentence in (NOTICE, *accepted_words(answered)):
            comment = TextContentItem(name=codes.COMMENT, value=sentence, relationship_type="CONTAINS")
            group[0].ContentSequence.append(comment)
    observer = DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", answered.model_id, answered.version),
        name=MAKER,
        manufacturer_name=MAKER,
        model_name=f"osteolens classifier {answered.version}",
        serial_number=answered.model_id,
    )
    return MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(
                observer_type=standard.DCM.Device, observer_identifying_attributes=observer
            )
        ),
        procedure_reported=codes.PLAIN_RADIOGRAPHY,
        imaging_measurements=groups,
    )


def _output(
    identity: DicomIdentity, answered: AnsweredPicture, source: Dataset
) -> MeasurementsAndQualitativeEvaluations:
    """Return what the model says of the whole radiograph."""
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=derived_uid("output", identity.instance_uid, answered.identity),
            identifier="osteolens model output",
        ),
        finding_type=codes.CLASSIFIER,
        algorithm_id=_algorithm(answered),
        measurements=list(_measurements(answered)),
        qualitative_evaluations=[QualitativeEvaluation(name, value) for name, value in _evaluations(answered)],
        source_images=[SourceImageForMeasurementGroup.from_source_image(source)],
    )


def _region(
    identity: DicomIdentity, answered: AnsweredPicture, source: Dataset, segmentation: Segmentation
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    """Return where the evidence lies, by the segment that outlines it."""
    inside = region(answered.evidence)
    share = 0.0 if inside is None else 100 * float(np.mean(inside))
    shown = [] if answered.evidence is None else [_evidence_class(answered.evidence.class_name)]
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=tracking_uid(identity, answered), identifier="osteolens region of evidence"
        ),
        referenced_segment=_segment(source, segmentation),
        finding_type=codes.EVIDENCE_REGION,
        algorithm_id=_algorithm(answered),
        measurements=[_number(codes.EVIDENCE_SHARE, share, codes.PERCENT)],
        qualitative_evaluations=shown,
    )


def _segment(source: Dataset, segmentation: Segmentation) -> ReferencedSegmentationFrame:
    """Refer to the segment alone: highdicom adds the frame, and both are not allowed (PS3.3, C.18.4)."""
    reference = ReferencedSegmentationFrame(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        frame_number=1,
        segment_number=SEGMENT,
        source_image=SourceImageForSegmentation.from_source_image(source),
    )
    del reference[0].ReferencedSOPSequence[0].ReferencedFrameNumber
    return reference


def _evidence_class(name: str) -> QualitativeEvaluation:
    return QualitativeEvaluation(codes.EVIDENCE_CLASS, codes.class_code(name))


def _algorithm(answered: AnsweredPicture) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=MAKER,
        version=answered.version,
        parameters=[f"model {answered.model_id}"],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=MAKER,
    )


def _measurements(answered: AnsweredPicture) -> Iterator[Measurement]:
    for name, probability in answered.answer.best_probabilities.items():
        yield _number(codes.class_probability(name), probability, codes.NO_UNITS)
    if answered.answer.novelty is not None:
        yield _number(codes.NOVELTY_SCORE, answered.answer.novelty.score, codes.NO_UNITS)
        yield _number(codes.NOVELTY_LIMIT, answered.answer.novelty.threshold, codes.NO_UNITS)


def _evaluations(answered: AnsweredPicture) -> Iterator[tuple[Code, Code]]:
    """Yield what the model says in codes, name and value."""
    yield codes.CLASS_OUTPUT, codes.class_code(answered.answer.label)
    yield codes.CALIBRATION, codes.CALIBRATED if answered.is_calibrated else codes.UNCALIBRATED
    if answered.conformal_set is not None:
        members = [codes.class_code(name) for name in answered.conformal_set] or [codes.NO_CLASS]
        yield from ((codes.CONFORMAL_MEMBER, member) for member in members)
    for call in answered.calls:
        yield codes.question(call), codes.ABOVE if call.positive else codes.NOT_ABOVE
    if answered.answer.novelty is not None:
        yield codes.NOVELTY, codes.UNLIKE if answered.answer.novelty.is_novel else codes.LIKE


def _number(name: Code, value: float, unit: Code) -> Measurement:
    return Measurement(name=name, value=round(value, _DIGITS), unit=unit)
