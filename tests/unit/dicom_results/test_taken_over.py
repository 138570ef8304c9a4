"""What is taken over from a header, whatever stands in it, and what stays behind."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_answers import read_results, results_of, write_radiograph

from osteolens.data.dicom.identity import dicom_identity
from osteolens.errors import ConfigError, DataError, InferenceError


def test_private_elements_and_unknown_ones_stay_behind(tmp_path: Path) -> None:
    original = pydicom.dcmread(write_radiograph(tmp_path / "source.dcm", OperatorsName="Secret^One"))
    original.private_block(0x0009, "MAKER", create=True).add_new(0x01, "LO", "secret two")
    original.save_as(tmp_path / "private.dcm")
    results_of(tmp_path / "private.dcm").write(tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        assert b"Secret" not in path.read_bytes()
        assert b"secret" not in path.read_bytes()
        assert not [element for element in pydicom.dcmread(path) if element.tag.is_private]


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"]),
        ("Жуковский", "ISO_IR 144"),
        ("Buc^Jérôme", "ISO_IR 192"),
        ("no components and = odd ^^^ marks", None),
    ],
)
def test_names_in_any_alphabet_come_out_as_they_went_in(tmp_path: Path, name: str, charset: Any) -> None:
    path = write_radiograph(tmp_path / "a.dcm", SpecificCharacterSet=charset, PatientName=name)
    before = str(pydicom.dcmread(path).PatientName)
    for dataset in read_results(path, tmp_path / "out").values():
        assert str(dataset.PatientName) == before


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


ODD = {
    "PatientName": "Secret^One\\Secret^Two",
    "PatientID": "secret\\two",
    "PatientSex": "unknown",
    "PatientBirthDate": "1979",
    "StudyTime": "at noon",
    "StudyID": "longer than the sixteen characters of an SH",
    "PatientOrientation": "X",
    "Laterality": "left",
    "BodyPartExamined": "Knee",
    "BurnedInAnnotation": "PERHAPS",
    "IssuerOfPatientID": "secret\r\nissuer",
    "StudyDescription": "s" * 65,
    "ReferringPhysicianName": "a^b^c^d^e^f",
    "AccessionNumber": "secret\tnumber",
    "StudyDate": "20201301",
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, on reading the test's own files
@pytest.mark.parametrize("keyword", ODD)
def test_what_is_not_as_the_standard_asks_stays_out_and_is_told_once_by_its_name(
    tmp_path: Path, keyword: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_radiograph(tmp_path / "odd.dcm", **{keyword: ODD[keyword]})
    with caplog.at_level(logging.DEBUG):
        made = read_results(path, tmp_path / "out")
    assert all(not dataset.get(keyword) for dataset in made.values())
    assert _warnings(caplog) == [f"the radiograph: not as the standard asks, so not taken over: {keyword}."]


@pytest.mark.parametrize(
    "sound",
    [
        {"PatientID": "x" * 64, "StudyTime": "10", "PatientSex": "O"},
        {"PatientName": "=".join(["x" * 64] * 3), "StudyTime": "235960.123456", "StudyDate": "20240229"},
        {"Laterality": "L", "PatientOrientation": ["A", "FL"], "StudyDescription": " knee, standing "},
    ],
)
def test_what_is_as_the_standard_asks_is_taken_over_in_silence(
    tmp_path: Path, sound: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    made = read_results(write_radiograph(tmp_path / "a.dcm", **sound), tmp_path / "out")["capture"]
    assert not _warnings(caplog)
    for keyword, value in sound.items():
        told = made[keyword].value
        assert told == value if isinstance(value, list) else str(told) == value.rstrip()


@pytest.mark.parametrize("missing", [{"InstanceNumber": None}, {"Modality": None}, {"FrameOfReferenceUID": "1.2.3.9"}])
def test_odd_series_get_objects_and_the_patient_is_never_logged(
    tmp_path: Path, missing: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_radiograph(tmp_path / "odd.dcm", PatientName="nameless", **missing)
    with caplog.at_level(logging.DEBUG):
        made = read_results(path, tmp_path / "out")
    assert "nameless" not in caplog.text
    assert str(made["report"].PatientName) == "nameless"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("uid", ["1.2.abc", "1.2.secret", "1..2", "1.02", "1." + "2" * 63, "1.2\\1.3"])
def test_a_uid_that_is_none_is_refused_by_the_name_of_its_element(tmp_path: Path, keyword: str, uid: str) -> None:
    path = write_radiograph(tmp_path / "a.dcm", **{keyword: uid})
    with pytest.raises(InferenceError, match=f"radiograph: {keyword} in its header is no UID") as refusal:
        results_of(path)
    assert uid not in str(refusal.value)


@pytest.mark.parametrize("stated", ["YES", "NO", None])
def test_the_capture_tells_part_of_the_body_and_burnt_in_identity_as_the_radiograph_does(
    tmp_path: Path, stated: str | None
) -> None:
    made = read_results(write_radiograph(tmp_path / "a.dcm", BurnedInAnnotation=stated), tmp_path / "out")["capture"]
    assert made.BodyPartExamined == "KNEE"
    assert made.get("BurnedInAnnotation") == stated


def test_lossy_compression_clings_to_what_is_derived(tmp_path: Path) -> None:
    path = write_radiograph(tmp_path / "a.dcm", LossyImageCompression="01", LossyImageCompressionRatio="12")
    made = read_results(path, tmp_path / "out")
    for kind in ("capture", "segmentation"):
        assert made[kind].LossyImageCompression == "01"
        assert made[kind].LossyImageCompressionRatio == 12


def test_a_file_without_uids_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    path = write_radiograph(tmp_path / "a.dcm", SeriesInstanceUID=None)
    with pytest.raises(DataError, match="lacks SeriesInstanceUID"):
        dicom_identity(path)


def test_a_file_of_a_private_class_has_no_objects_and_says_so(tmp_path: Path) -> None:
    path = write_radiograph(tmp_path / "private.dcm", SOPClassUID="1.2.3.4.5")
    with pytest.raises(InferenceError, match="no DICOM object can be derived"):
        results_of(path)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigError, match=r"pip install 'osteolens\[dicom\]'"):
        results_of(write_radiograph(tmp_path / "a.dcm"))
