"""Real radiographs in many encodings; what each must give was decided by looking at it (docs/dicom.md)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteolens.data.images import read_grey
from osteolens.errors import DataError

SHAPES = {
    **dict.fromkeys(("331_DDH_1", "331_DDH_10", "331_DDH_107", "331_DDH_115"), (331, 331)),
    **dict.fromkeys(("RG2_J2KI", "RG2_UNC"), (2140, 1760)),
    **dict.fromkeys(("RG3_UNC", "RG3_RLE", "RG3_JPLL", "RG3_JLSL", "RG3_J2KR", "RG3_J2KI", "RG3_JPLY"), (1760, 1760)),
}
REFUSED = {
    "CT1_J2KI": "is a CT image",
    "RG1_J2KI": "is a radiograph of the chest",
    "dx_image": "is a radiograph of the chest",
}

pytestmark = pytest.mark.real_data


def test_every_file_is_read_or_refused_as_decided(dicom_folder: Path) -> None:
    names = {path.stem for path in dicom_folder.glob("*.dcm")}
    assert names == {*SHAPES, *REFUSED}
    for name, shape in SHAPES.items():
        assert read_grey(dicom_folder / f"{name}.dcm").shape == shape
    for name, words in REFUSED.items():
        with pytest.raises(DataError, match=words):
            read_grey(dicom_folder / f"{name}.dcm")


def test_lossless_encodings_of_one_picture_are_identical_and_lossy_ones_near(dicom_folder: Path) -> None:
    plain = read_grey(dicom_folder / "RG3_UNC.dcm")
    for name in ("RG3_RLE", "RG3_JPLL", "RG3_JLSL", "RG3_J2KR"):
        np.testing.assert_array_equal(read_grey(dicom_folder / f"{name}.dcm"), plain)
    for name, furthest in (("RG3_J2KI", 3), ("RG3_JPLY", 12)):
        assert np.abs(read_grey(dicom_folder / f"{name}.dcm").astype(int) - plain).max() <= furthest


def test_no_decoder_writes_on_standard_error(dicom_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in SHAPES:
        read_grey(dicom_folder / f"{name}.dcm")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize("name", ["RG2_UNC", "RG3_RLE", "RG3_JPLL"])
def test_dcmtk_shows_the_same(dicom_folder: Path, name: str, tmp_path: Path) -> None:
    if shutil.which("dcmj2pnm") is None:
        pytest.skip("needs dcmj2pnm of the Debian package dcmtk")
    out = tmp_path / "a.png"
    subprocess.run(["dcmj2pnm", "+Wi", "1", "+on", dicom_folder / f"{name}.dcm", out], check=True)  # noqa: S603, S607
    with Image.open(out) as image:
        theirs = np.asarray(image.convert("L")).astype(int)
    assert np.abs(read_grey(dicom_folder / f"{name}.dcm") - theirs).max() <= 1  # DCMTK rounds down
