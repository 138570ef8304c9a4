"""Our objects before the validator of dicom3tools and the programs of DCMTK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_answers import results_of, write_radiograph
from dicom_network import run_tool
from PIL import Image

from osteolens.dicom_results.answered import EvidenceMap
from osteolens.errors import DataError

pytestmark = pytest.mark.dicom_tools

KINDS: dict[str, dict[str, Any]] = {
    "whole": {},
    "without a patient": {"PatientName": None, "PatientID": None},
    "digital": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "Modality": "DX", "ImageLaterality": "L"},
    "capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"},
    "not square": {"PixelSpacing": [0.4, 0.2], "Laterality": "R"},
    "in a frame of reference": {"FrameOfReferenceUID": "1.2.3.9", "PatientOrientation": ["L", "F"]},
    "of another alphabet": {"SpecificCharacterSet": "ISO_IR 144", "PatientName": "Жуковский^Николай"},
    "nothing as the standard asks": {
        "PatientName": "A^B\\C^D",
        "PatientID": "ID/..\\x",
        "PatientBirthDate": "nonsense",
        "PatientSex": "X",
        "StudyDescription": "two\r\nlines",
        "BodyPartExamined": "Knee",
        "Laterality": "left",
        "PatientOrientation": "X",
    },
    "of a part of the body that is burnt in": {"BurnedInAnnotation": "YES", "Laterality": "L"},
    "lossy": {"LossyImageCompression": "01", "LossyImageCompressionRatio": "12"},
}


def _faults(path: Path) -> list[str]:
    """What dciodvfy finds wrong; that our own codes are no terms of the standard is a warning."""
    told = run_tool("dciodvfy", path)
    lines = (told.stdout + told.stderr).splitlines()
    assert lines, "the validator said nothing, not even the kind of the object"
    return [line for line in lines if line.startswith("Error")]


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, on writing odd values
@pytest.mark.parametrize("kind", KINDS)
def test_the_validator_finds_no_errors(tmp_path: Path, kind: str) -> None:
    source = write_radiograph(tmp_path / "source.dcm", **KINDS[kind])
    files = results_of(source).write(tmp_path / "out")
    assert {path.name: _faults(path) for path in files} == {path.name: [] for path in files}


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": None},
        {"novelty": None, "calls": (), "conformal_set": None, "calibrated": None},
        {"conformal_set": ()},
        {
            "probabilities": {"Киста": 0.5, "x" * 200: 0.5},
            "calibrated": None,
            "conformal_set": None,
            "evidence": EvidenceMap("Киста", np.ones((64, 64), np.float32)),
        },
    ],
)
def test_the_validator_finds_no_errors_whatever_the_answer(tmp_path: Path, changes: dict[str, Any]) -> None:
    files = results_of(write_radiograph(tmp_path / "source.dcm"), **changes).write(tmp_path / "out")
    assert {path.name: _faults(path) for path in files} == {path.name: [] for path in files}


def test_dcmtk_reads_every_object(tmp_path: Path) -> None:
    for path in results_of(write_radiograph(tmp_path / "source.dcm")).write(tmp_path / "out"):
        told = run_tool("dcmdump", path)
        assert told.returncode == 0
        assert not told.stderr
        assert "[2.25." in told.stdout


def test_dcmtk_shows_the_report(tmp_path: Path) -> None:
    results_of(write_radiograph(tmp_path / "source.dcm")).write(tmp_path / "out")
    told = run_tool("dsrdump", "+U8", "+Pl", tmp_path / "out" / "report.dcm")
    assert told.returncode == 0
    assert "E:" not in told.stderr
    for words in ("PRELIMINARY", "UNVERIFIED", "not a diagnosis", '"Malignant"', "Not for clinical use"):
        assert words in told.stdout


def test_dcmtk_shows_the_capture_as_it_was_drawn(tmp_path: Path) -> None:
    results_of(write_radiograph(tmp_path / "source.dcm")).write(tmp_path / "out")
    told = run_tool("dcmj2pnm", "+ob", tmp_path / "out" / "capture.dcm", tmp_path / "capture.bmp")
    assert told.returncode == 0
    drawn = pydicom.dcmread(tmp_path / "out" / "capture.dcm").pixel_array
    with Image.open(tmp_path / "capture.bmp") as shown:
        np.testing.assert_array_equal(np.asarray(shown.convert("RGB")), drawn)


@pytest.fixture(scope="module")
def real_results(dicom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """The folder of the results of each real file that is answered."""
    root, made = tmp_path_factory.mktemp("real"), {}
    for path in sorted(dicom_folder.glob("*.dcm")):
        try:
            results_of(path).write(root / path.stem)
        except DataError:
            continue
        made[path] = root / path.stem
    return made


@pytest.mark.real_data
def test_real_radiographs_get_objects_that_are_theirs(real_results: dict[Path, Path]) -> None:
    assert len(real_results) == 13
    for path, folder in real_results.items():
        original = pydicom.dcmread(path, stop_before_pixels=True)
        segmentation = highdicom.seg.segread(folder / "segmentation.dcm")
        assert (segmentation.Rows, segmentation.Columns) == (original.Rows, original.Columns)
        assert segmentation.pixel_array.mean() == pytest.approx(0.25, abs=0.01)
        report = highdicom.sr.srread(folder / "report.dcm")
        [region] = report.content.get_planar_roi_measurement_groups()
        assert region.referenced_segmentation_frame.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        capture = pydicom.dcmread(folder / "capture.dcm", stop_before_pixels=True)
        is_lossy = original.get("LossyImageCompression") == "01" or "DDH" in path.stem
        assert capture.LossyImageCompression == ("01" if is_lossy else "00")
        for made in (segmentation, report, capture):
            assert (made.StudyInstanceUID, str(made.PatientName)) == (original.StudyInstanceUID, original.PatientName)
            assert made.PatientID == original.PatientID


@pytest.mark.real_data
def test_the_validator_finds_no_errors_in_those_of_real_radiographs(real_results: dict[Path, Path]) -> None:
    files = [path for folder in real_results.values() for path in folder.iterdir()]
    assert len(files) == 39
    assert {path: _faults(path) for path in files} == {path: [] for path in files}
