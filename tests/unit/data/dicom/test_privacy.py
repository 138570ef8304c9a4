"""Nothing of a header reaches a message, a log or the terminal; the identity is given only to those who ask for it."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import file_bytes, radiograph, row_of

from osteolens.data.dicom.identity import dicom_identity
from osteolens.data.headers import read_header
from osteolens.data.images import decode_grey
from osteolens.errors import DataError

PRIVATE = "HUSHHUSH"  # what stands for a patient's data
# The name, and odd contents of elements that are read: each is told without being repeated.
ODD: tuple[dict[str, Any], ...] = (
    {"PatientName": f"{PRIVATE}^JANE", "PatientID": PRIVATE, "InstitutionName": PRIVATE, "Modality": "CT"},
    {"Modality": PRIVATE},
    {"BodyPartExamined": PRIVATE.lower()},
    {"BodyPartExamined": "CHEST", "SeriesDescription": PRIVATE},
    {"PhotometricInterpretation": PRIVATE},
    {"PresentationLUTShape": PRIVATE},
    {"VOILUTFunction": PRIVATE, "WindowCenter": 1, "WindowWidth": 2},
    {"PresentationIntentType": PRIVATE},
    {"SOPClassUID": PRIVATE},
    {"SpecificCharacterSet": PRIVATE},
    {"PatientBirthDate": PRIVATE, "StudyDate": PRIVATE, "Rows": 40},
)


def raw(keyword: str, vr: bytes, value: bytes) -> bytes:
    """A file one of whose elements holds bytes that do not fit."""
    data = file_bytes(radiograph(row_of(0, 9), RescaleSlope=7, RescaleIntercept=7, WindowCenter=7, WindowWidth=7))
    tag = {"Rows": b"\x28\0\x10\0", "RescaleSlope": b"\x28\0\x53\x10", "WindowCenter": b"\x28\0\x50\x10"}[keyword]
    at = data.index(tag + vr)
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    return data[: at + 6] + len(value).to_bytes(2, "little") + value + data[at + 8 + length :]


FILES = [
    *(file_bytes(radiograph(row_of(0, 9), **elements)) for elements in ODD),
    raw("RescaleSlope", b"DS", PRIVATE.encode()),
    raw("WindowCenter", b"DS", PRIVATE.encode()),
    raw("Rows", b"US", PRIVATE.encode()[:5] + b"X"),
]


def refusal(read: Callable[[], object]) -> list[str]:
    """All that a traceback of the refusal would tell."""
    try:
        read()
    except DataError as error:
        return traceback.format_exception(error)
    return []


@pytest.mark.parametrize("data", FILES, ids=range(len(FILES)))
def test_no_message_log_or_warning_repeats_the_header(
    data: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "knee.dcm"
    path.write_bytes(data)
    told: list[str] = []
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        told += refusal(lambda: decode_grey(data, name="knee.dcm"))
        told += refusal(lambda: read_header(path))
    told += [str(warning.message) for warning in warned]
    told += [record.getMessage() for record in caplog.records]
    captured = capfd.readouterr()
    everything = " ".join([*told, captured.out, captured.err])
    assert PRIVATE[:5] not in everything.upper()
    assert "4711" not in everything  # the patient's number in every file of these tests
    assert "DOE" not in everything


def test_pydicom_does_warn_of_what_is_kept_silent(tmp_path: Path) -> None:
    """The guard of the test above: read without it, such a file does repeat its content."""
    import pydicom

    path = tmp_path / "a.dcm"
    path.write_bytes(file_bytes(radiograph(row_of(0, 9), SOPInstanceUID=PRIVATE)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.resetwarnings()
        warnings.simplefilter("always")
        assert pydicom.dcmread(path).SOPInstanceUID == PRIVATE
    assert any(PRIVATE in str(warning.message) for warning in warned)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    dataset = radiograph(row_of(0, 9), PatientBirthDate="19700101", AccessionNumber="A1", Laterality="L")
    path = tmp_path / "knee.dcm"
    path.write_bytes(file_bytes(dataset))
    return path


def test_the_identity_gives_what_a_reference_needs(path: Path) -> None:
    identity = dicom_identity(path)
    assert (identity.study_uid, identity.series_uid, identity.instance_uid) == ("1.2", "1.2.3", "1.2.3.4")
    assert identity.transfer_syntax == "1.2.840.10008.1.2.1"
    asked = ("PatientName", "PatientID", "AccessionNumber", "Rows", "Columns", "Laterality")
    assert [identity.values[keyword] for keyword in asked] == ["DOE^JANE", "4711", "A1", 16, 16, "L"]
    assert not {"StudyDate", "PixelData"} & set(identity.values)


def test_the_identity_does_not_show_itself(path: Path) -> None:
    identity = dicom_identity(path)
    assert "DOE" not in f"{identity} {identity!r} {[identity]}"
    assert "1.2.3" not in repr(identity)


def test_without_a_uid_there_is_no_identity(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(file_bytes(radiograph(row_of(0, 9), StudyInstanceUID=None)))
    with pytest.raises(DataError, match="lacks StudyInstanceUID, so no DICOM object can refer to it"):
        dicom_identity(path)
    path.write_bytes(b"no DICOM at all")
    with pytest.raises(DataError, match="is not a DICOM file"):
        dicom_identity(path)


def test_the_header_of_a_file_is_read_like_that_of_any_picture(path: Path) -> None:
    assert read_header(path) == (16, 16, "MONOCHROME2", path.stat().st_size)
    cut = path.with_name("cut.dcm")
    cut.write_bytes(path.read_bytes()[:-100])  # no pixel is decoded
    assert read_header(cut)[:3] == (16, 16, "MONOCHROME2")
    assert np.array_equal(decode_grey(path.read_bytes(), name="a")[0, :2], [0, 255])
