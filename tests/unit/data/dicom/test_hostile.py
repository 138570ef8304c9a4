"""Damaged and malicious files: a right reading or a typed refusal, within bounds of time and memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from dicom_files import encapsulated, file_bytes, radiograph, row_of
from PIL import Image
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from osteolens.data.dicom import parsing
from osteolens.data.images import decode_grey
from osteolens.errors import DataError

PIXELS = np.random.default_rng(5).integers(0, 4096, (32, 40), dtype=np.uint16)
CODECS = (JPEG2000Lossless, JPEGLSLossless, RLELossless)


def compressed(syntax: UID) -> bytes:
    dataset = radiograph(PIXELS, bits=12)
    dataset.compress(syntax)
    return file_bytes(dataset)


def jpeg(height: int = 32, width: int = 40) -> bytes:
    stream = io.BytesIO()
    grey = np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)
    Image.fromarray(grey).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("share", [0.99, 0.9, 0.7])
@pytest.mark.parametrize("syntax", [*CODECS, None])
def test_a_file_cut_short_is_refused(syntax: UID | None, share: float) -> None:
    whole = file_bytes(radiograph(PIXELS, bits=12)) if syntax is None else compressed(syntax)
    with pytest.raises(DataError, match="cut short"):
        decode_grey(whole[: int(len(whole) * share)], name="a.dcm")


@pytest.mark.parametrize("kept", [0, 100, 132, 133, 140, 200, 300])
def test_a_header_cut_short_is_refused(kept: int) -> None:
    with pytest.raises(DataError, match=r"^a\.dcm "):
        decode_grey(file_bytes(radiograph(PIXELS))[:kept], name="a.dcm")


def test_an_encoded_picture_cut_short_is_refused() -> None:
    """A decoder may fill what is missing with grey; the stream's own end is asked for."""
    pixels = PIXELS.astype(np.uint8)
    assert decode_grey(file_bytes(encapsulated(pixels, jpeg(), JPEGBaseline8Bit)), name="a").shape == (32, 40)
    with pytest.raises(DataError, match=r"pixels \(JPEG Baseline \(Process 1\)\) that are damaged"):
        decode_grey(file_bytes(encapsulated(pixels, jpeg()[:-40], JPEGBaseline8Bit)), name="a")


def test_an_encoded_picture_of_another_size_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(DataError, match="its header gives 40 x 32 pixels, its encoded picture 41 x 32"):
        decode_grey(file_bytes(encapsulated(PIXELS.astype(np.uint8), jpeg(32, 41), JPEGBaseline8Bit)), name="a")


def test_a_jpeg_2000_bomb_is_refused_before_it_is_decoded() -> None:
    stream = b"\xff\x4f\xff\x51" + struct.pack(
        ">HHIIIIIIIIHBBB", 41, 0, 60_000, 60_000, 0, 0, 64, 64, 0, 0, 1, 11, 1, 1
    )
    with pytest.raises(DataError, match="its encoded picture 60000 x 60000"):
        decode_grey(file_bytes(encapsulated(PIXELS, stream + b"\xff\xd9", JPEG2000Lossless)), name="a")


def test_a_run_length_bomb_is_refused_before_it_is_decoded() -> None:
    runs = struct.pack("<16I", 2, 64, 100_064, *[0] * 13) + b"\x81\0" * 100_000
    with pytest.raises(DataError, match="damaged"):
        decode_grey(file_bytes(encapsulated(PIXELS, runs, RLELossless)), name="a")


def test_a_deflated_bomb_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "LARGEST_INFLATED", 1_000_000)
    plain = file_bytes(radiograph(PIXELS, syntax=DeflatedExplicitVRLittleEndian))
    start = plain.index(b"1.2.840.10008.1.2.1.99") + 22
    deflating = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = plain[:start] + deflating.compress(bytes(2_000_000)) + deflating.flush()
    with pytest.raises(DataError, match="inflates to more than 1,000,000 bytes"):
        decode_grey(bomb, name="a")


def nested(depth: int) -> bytes:
    """Sequences within sequences, of undefined length, before the elements that are asked for."""
    begin = struct.pack("<HH2sHI", 0x0008, 0x1115, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = file_bytes(radiograph(row_of(0, 9)))
    at = data.index(b"\x10\x00\x10\x00PN")  # the patient's name, the first element of a later group
    return data[:at] + begin * depth + end * depth + data[at:]


def test_nesting_is_read_or_refused() -> None:
    assert decode_grey(nested(5), name="a")[0, :2].tolist() == [0, 255]
    with pytest.raises(DataError, match="is a damaged DICOM file and cannot be parsed"):
        decode_grey(nested(20_000), name="a")


def test_a_private_element_that_declares_gigabytes_is_refused() -> None:
    data = file_bytes(radiograph(row_of(0, 9)))
    at = data.index(b"\x10\x00\x10\x00PN")
    huge = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, 0xFFFFFFF0) + b"abc"
    with pytest.raises(DataError, match=r"^a "):
        decode_grey(data[:at] + huge + data[at:], name="a")


def test_large_private_elements_are_passed_over() -> None:
    dataset = radiograph(row_of(0, 9))
    dataset.private_block(0x0009, "SOMEBODY", create=True).add_new(1, "OB", bytes(5_000_000))
    assert decode_grey(file_bytes(dataset), name="a")[0, :2].tolist() == [0, 255]


def test_private_elements_alone_are_no_picture() -> None:
    dataset = radiograph(row_of(0, 9))
    for element in list(dataset):
        del dataset[element.tag]
    dataset.private_block(0x0009, "SOMEBODY", create=True).add_new(1, "OB", bytes(50))
    with pytest.raises(DataError, match="does not tell its modality"):
        decode_grey(file_bytes(dataset), name="a")


SOURCES: tuple[Callable[[], bytes], ...] = (
    lambda: file_bytes(radiograph(PIXELS, bits=12, WindowCenter=2000, WindowWidth=3000)),
    lambda: file_bytes(radiograph(PIXELS, bits=12, syntax="1.2.840.10008.1.2", RescaleSlope=2, RescaleIntercept=1)),
    lambda: file_bytes(radiograph(PIXELS, bits=12, syntax=DeflatedExplicitVRLittleEndian)),
    *(lambda syntax=syntax: compressed(syntax) for syntax in CODECS),  # type: ignore[misc]
    lambda: file_bytes(encapsulated(PIXELS.astype(np.uint8), jpeg(), JPEGBaseline8Bit)),
)


@pytest.mark.filterwarnings("ignore")  # of Pillow, about damaged metadata
def test_damaged_bytes_are_read_or_refused_and_nothing_else() -> None:
    generator = np.random.default_rng(3)
    outcomes = {"read": 0, "refused": 0}
    for source in SOURCES:
        data = source()
        for _ in range(60):
            broken = np.frombuffer(data, np.uint8).copy()
            reach = len(broken) if generator.random() < 0.5 else min(900, len(broken))
            broken[generator.integers(132, reach, size=3)] = generator.choice([0, 1, 255, 128], size=3)
            try:
                grey = decode_grey(broken.tobytes(), name="a.dcm")
            except DataError:
                outcomes["refused"] += 1
            else:
                assert (grey.ndim, grey.dtype) == (2, np.uint8)
                outcomes["read"] += 1
    assert min(outcomes.values()) > 50
