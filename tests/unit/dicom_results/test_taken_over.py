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


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")  # pydicom's, on reading the test's own files
@pytest.mark.parametrize(
    "odd",
    [
        {"PatientSex": "unknown"},
        {"PatientBirthDate": "1979"},
        {"StudyTime": "at noon"},
        {"StudyID": "longer than the sixteen characters of an SH"},
        {"PatientOrientation": "X"},
        {"InstanceNumber": None},
        {"Modality": None},
        {"FrameOfReferenceUID": "1.2.3.9"},
    ],
)
def test_odd_headers_are_taken_over_and_never_logged(
    tmp_path: Path, odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_radiograph(tmp_path / "odd.dcm", **{"PatientName": "nameless", **odd})
    with caplog.at_level(logging.DEBUG):
        made = read_results(path, tmp_path / "out")
    assert "nameless" not in caplog.text
    for keyword in ("PatientSex", "PatientBirthDate", "StudyTime", "StudyID"):
        if keyword in odd:
            assert made["report"][keyword].value == odd[keyword]


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
