"""The objects read back by pydicom and highdicom: whose they are, what they refer to, what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_answers import MODEL, hot_corner, read_results, results_of, write_radiograph
from highdicom.sr.coding import CodedConcept

from osteolens.data.images import read_grey
from osteolens.dicom_results.answered import EvidenceMap
from osteolens.dicom_results.codes import PRIVATE
from osteolens.inference.answer import Objection

PATIENT = {
    "PatientName": "Müller^Änne",
    "PatientID": "4711",
    "PatientBirthDate": "19790408",
    "PatientSex": "F",
    "AccessionNumber": "A1",
    "StudyID": "S1",
    "StudyDate": "20200102",
    "StudyTime": "101112.5",
    "ReferringPhysicianName": "Doc^Tor",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_radiograph(
        tmp_path / "source.dcm", SpecificCharacterSet="ISO_IR 100", PatientOrientation=["L", "F"], **PATIENT
    )


def _told(output: Any) -> list[tuple[str, CodedConcept]]:
    """What a group says in our own codes; highdicom counts the algorithm's family, too."""
    found = output.get_qualitative_evaluations()
    return [(item.name.meaning, item.value) for item in found if item.name.scheme_designator == PRIVATE]


def test_patient_and_study_are_those_of_the_radiograph_and_everything_else_is_new(source: Path, tmp_path: Path) -> None:
    original = pydicom.dcmread(source)
    made = read_results(source, tmp_path / "out")
    assert set(made) == {"capture", "segmentation", "report"}
    for dataset in made.values():
        assert {keyword: str(dataset[keyword].value) for keyword in PATIENT} == PATIENT
        assert dataset.StudyInstanceUID == original.StudyInstanceUID
        assert dataset.SeriesInstanceUID != original.SeriesInstanceUID
        assert dataset.SoftwareVersions
        assert "not for clinical use" in dataset.SeriesDescription
        assert dataset.InstanceCreationDate == "20260304"
    assert len({dataset.SOPInstanceUID for dataset in made.values()}) == 3
    assert len({dataset.SeriesInstanceUID for dataset in made.values()}) == 3


def test_the_same_answer_made_twice_is_the_same_to_the_byte(source: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        results_of(source).write(tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_another_model_or_version_gets_other_uids_in_other_series(source: Path) -> None:
    first, other, newer = (results_of(source, **change) for change in ({}, {"model_id": "b"}, {"version": "9"}))
    for kind in ("capture", "segmentation", "report"):
        made = [getattr(results, kind) for results in (first, other, newer)]
        assert len({dataset.SOPInstanceUID for dataset in made}) == 3
        assert len({dataset.SeriesInstanceUID for dataset in made}) == 3


def test_another_answer_of_the_same_model_gets_other_uids_in_the_same_series(source: Path) -> None:
    first, calibrated_anew = (results_of(source, **change) for change in ({}, {"calibrated": None}))
    for kind in ("capture", "segmentation", "report"):
        one, other = getattr(first, kind), getattr(calibrated_anew, kind)
        assert one.SOPInstanceUID != other.SOPInstanceUID
        assert one.SeriesInstanceUID == other.SeriesInstanceUID


def test_two_radiographs_of_a_series_have_their_results_in_one(tmp_path: Path) -> None:
    paths = [write_radiograph(tmp_path / f"{n}.dcm", SOPInstanceUID=f"1.2.3.{n}", InstanceNumber=n) for n in (7, 8)]
    one, two = (results_of(path).capture for path in paths)
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert (one.InstanceNumber, two.InstanceNumber) == (7, 8)
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_the_capture_shows_more_than_the_radiograph_and_refers_to_it(source: Path, tmp_path: Path) -> None:
    capture = read_results(source, tmp_path / "out")["capture"]
    assert capture.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"
    assert capture.pixel_array.shape[1:] == (640, 3)
    assert capture.pixel_array.shape[0] > 640
    assert list(capture.PatientOrientation) == ["L", "F"]
    assert "Not for clinical use" in capture.ImageComments
    assert "PixelSpacing" not in capture
    assert capture.LossyImageCompression == "00"


def test_the_segment_is_the_region_of_the_map_on_the_stored_pixels(source: Path, tmp_path: Path) -> None:
    results_of(source).write(tmp_path / "out")
    segmentation = highdicom.seg.segread(tmp_path / "out" / "segmentation.dcm")
    expected = hot_corner(64, 64) == 1
    np.testing.assert_array_equal(segmentation.pixel_array.astype(bool), expected)
    by_source = segmentation.get_pixels_by_source_instance(["1.2.3.4"], segment_numbers=[1])
    np.testing.assert_array_equal(by_source[0, ..., 0].astype(bool), expected)
    description = segmentation.get_segment_description(1)
    assert description.SegmentLabel == "Model evidence for Malignant"
    assert description.segmented_property_type.scheme_designator == PRIVATE
    assert "lesion" in segmentation.ContentDescription


def test_pixels_that_are_not_square_keep_their_number_in_the_segment(tmp_path: Path) -> None:
    path = write_radiograph(tmp_path / "flat.dcm", PixelSpacing=[0.4, 0.2])
    assert read_grey(path).shape == (64, 32)
    segmentation = read_results(path, tmp_path / "out")["segmentation"]
    assert (segmentation.Rows, segmentation.Columns) == (64, 64)
    assert segmentation.pixel_array[:30, :30].all()
    assert not segmentation.pixel_array[:, 34:].any()


@pytest.mark.parametrize("evidence", [None, EvidenceMap("Malignant", np.zeros((64, 64), np.float32))])
def test_without_evidence_there_is_no_segment_and_the_report_tells_of_none(
    source: Path, tmp_path: Path, evidence: EvidenceMap | None
) -> None:
    results = results_of(source, evidence=evidence)
    assert results.segmentation is None
    assert [path.name for path in results.write(tmp_path / "out")] == ["capture.dcm", "report.dcm"]
    report = highdicom.sr.srread(tmp_path / "out" / "report.dcm")
    assert not report.content.get_planar_roi_measurement_groups()


def test_the_report_says_by_code_what_the_model_says(source: Path, tmp_path: Path) -> None:
    results_of(source).write(tmp_path / "out")
    report = highdicom.sr.srread(tmp_path / "out" / "report.dcm")
    [output] = report.content.get_image_measurement_groups()
    assert [(m.name.meaning, float(m.value)) for m in output.get_measurements()] == [
        ("Probability of Normal, given by the model", 0.1),
        ("Probability of Benign, given by the model", 0.2),
        ("Probability of Malignant, given by the model", 0.7),
        ("Distance from the training radiographs", 3.0),
        ("Largest distance that is not novel", 4.0),
    ]
    assert [(name, value.value, value.scheme_designator) for name, value in _told(output)] == [
        ("Class of highest model output, not a diagnosis", "21594007", "SCT"),
        ("Calibration of the probabilities", "CALIBRATED", PRIVATE),
        ("Class that cannot be left out (conformal set)", "30807003", "SCT"),
        ("Class that cannot be left out (conformal set)", "21594007", "SCT"),
        ("Malignant against the rest, high sensitivity", "ABOVE", PRIVATE),
        ("Likeness to the training radiographs", "LIKE", PRIVATE),
    ]
    assert output.source_images[0].referenced_sop_instance_uid == "1.2.3.4"


def test_the_report_is_preliminary_and_the_model_is_its_observer(source: Path, tmp_path: Path) -> None:
    made = read_results(source, tmp_path / "out")
    report = made["report"]
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    text = str(report)
    assert MODEL in text
    assert "not a diagnosis" in text
    observer = highdicom.sr.srread(tmp_path / "out" / "report.dcm").content.get_observer_contexts()
    assert [context.observer_type.meaning for context in observer] == ["Device"]


def test_the_report_refers_to_the_segment_and_to_the_radiograph(source: Path, tmp_path: Path) -> None:
    made = read_results(source, tmp_path / "out")
    report = made["report"]
    evidence = [
        item.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]
    assert sorted(evidence) == sorted(["1.2.3.4", made["segmentation"].SOPInstanceUID])
    [group] = highdicom.sr.srread(tmp_path / "out" / "report.dcm").content.get_planar_roi_measurement_groups()
    assert group.referenced_segmentation_frame.referenced_sop_instance_uid == made["segmentation"].SOPInstanceUID
    assert group.tracking_uid == made["segmentation"].SegmentSequence[0].TrackingUID
    [share] = group.get_measurements()
    assert (float(share.value), share.unit.value) == (25.0, "%")


@pytest.mark.parametrize(
    ("changes", "name", "values"),
    [
        ({"calibrated": None}, "Calibration of the probabilities", ["UNCALIBRATED"]),
        ({"conformal_set": ()}, "Class that cannot be left out (conformal set)", ["NONE"]),
        ({"conformal_set": None}, "Class that cannot be left out (conformal set)", []),
        ({"novelty": None}, "Likeness to the training radiographs", []),
        ({"calls": ()}, "Malignant against the rest, high sensitivity", []),
    ],
)
def test_what_is_not_known_is_not_told(
    source: Path, tmp_path: Path, changes: dict[str, Any], name: str, values: list[str]
) -> None:
    results_of(source, **changes).write(tmp_path / "out")
    [output] = highdicom.sr.srread(tmp_path / "out" / "report.dcm").content.get_image_measurement_groups()
    assert [value.value for told, value in _told(output) if told == name] == values


def test_classes_of_own_data_get_private_codes_that_fit(source: Path, tmp_path: Path) -> None:
    long = "Опухоль " + "x" * 100
    names = {long: 0.6, "Cyst": 0.4}
    evidence = EvidenceMap(long, hot_corner(64, 64))
    made = read_results(
        source,
        tmp_path / "out",
        probabilities=names,
        calibrated=None,
        calls=(),
        conformal_set=(long,),
        evidence=evidence,
    )
    [output] = highdicom.sr.srread(tmp_path / "out" / "report.dcm").content.get_image_measurement_groups()
    code = _told(output)[0][1]
    assert code.scheme_designator == PRIVATE
    assert code.meaning.startswith("Опухоль")
    assert len(code.meaning) == 64
    assert len(code.value) <= 16
    assert len(made["segmentation"].SegmentSequence[0].SegmentLabel) == 64


def test_a_gate_that_was_overruled_is_told_in_every_group_of_the_report(source: Path, tmp_path: Path) -> None:
    made = read_results(source, tmp_path / "out", accepted=(Objection("tiny", "looks too small"),))
    groups = made["report"].ContentSequence[-1].ContentSequence
    comments = [group.ContentSequence[-1].TextValue for group in groups]
    assert comments == ["Answered although it looks too small (gate tiny, overruled)."] * 2
