"""A DICOM file goes wherever any other picture goes, and says what is missing where an extra is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_files import file_bytes, radiograph
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from osteolens.config import load_config
from osteolens.data.audit.file_facts import read_file_facts
from osteolens.data.cache import cached_pictures
from osteolens.data.dicom import decoding
from osteolens.data.images import decode, read_grey, read_not_black
from osteolens.data.preprocessing import read_input
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import Preprocessing, image_stem
from osteolens.errors import DataError
from osteolens.inference.reading import list_pictures

GREY = np.random.default_rng(2).integers(0, 256, (50, 70), dtype=np.uint8)
WINDOW = {"WindowCenter": 128, "WindowWidth": 256}  # each stored value is its own grey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same picture as PNG and as DICOM."""
    (tmp_path / "images").mkdir()
    Image.fromarray(GREY).save(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "b.dcm").write_bytes(file_bytes(radiograph(GREY, **WINDOW)))
    return tmp_path


def test_the_reading_is_that_of_any_picture(folder: Path) -> None:
    path = folder / "images" / "b.dcm"
    reading = decode(path.read_bytes(), name="b.dcm", at_least=16)
    np.testing.assert_array_equal(reading.grey, GREY)
    assert reading.shape == (50, 70)
    np.testing.assert_array_equal(read_grey(path), read_grey(folder / "images" / "a.png"))


def test_inputs_and_cache_are_the_same(folder: Path, tmp_path: Path) -> None:
    record = Preprocessing(size=32)
    paths = [folder / "images" / name for name in ("a.png", "b.dcm")]
    np.testing.assert_array_equal(read_input(paths[0], record), read_input(paths[1], record))
    pictures = cached_pictures(paths * 20, record, tmp_path / "cache")
    assert (pictures == pictures[0]).all()


def test_a_table_of_ones_own_may_name_dicom_files(folder: Path) -> None:
    (folder / "dataset.csv").write_text("image_id,label\na.png,Normal\nb.dcm,Benign\n")
    data = load_radiographs(load_config(None, [f"data.root={folder}"]).data)
    assert data.path("b.dcm").name == "b.dcm"
    assert image_stem("p1/b.DICOM") == "b"


def test_the_audit_reads_it(folder: Path) -> None:
    facts, plain = (read_file_facts(folder / "images" / name) for name in ("b.dcm", "a.png"))
    assert (facts.kind, facts.coloured, facts.width, facts.height) == ("DICOM MONOCHROME2", False, 70, 50)
    assert facts.picture == plain.picture
    assert facts.perceptual_hash == plain.perceptual_hash


def test_a_mask_is_no_dicom_file(folder: Path) -> None:
    with pytest.raises(DataError, match="which cannot be a mask"):
        read_not_black(folder / "images" / "b.dcm")


def test_files_are_found_by_suffix_or_by_how_they_begin(tmp_path: Path) -> None:
    data = file_bytes(radiograph(GREY))
    for name in ("a.dcm", "b.DICOM", "IM000001", "1.2.840.113", "DICOMDIR", ".hidden", "knee.ima"):
        (tmp_path / name).write_bytes(data)
    for name in ("README", "notes.txt"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "1.2.3").mkdir()
    found = ["1.2.840.113", "IM000001", "a.dcm", "b.DICOM", "knee.ima"]
    assert [path.name for path in list_pictures(tmp_path)] == found


def test_without_the_extra_the_refusal_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_bytes(radiograph(GREY))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"a is a DICOM file. .*install the extra: pip install 'osteolens\[dicom\]'"):
        decode(data, name="a")


def test_without_a_decoder_the_refusal_names_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = radiograph(GREY)
    dataset.compress(JPEG2000Lossless)
    data = file_bytes(dataset)
    monkeypatch.setitem(decoding.DECODERS, JPEG2000Lossless, ("none",))
    with pytest.raises(DataError, match=r"encoded as JPEG 2000 .*no decoder is installed. .*pip install"):
        decode(data, name="a")
