from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteolens.config import load_config
from osteolens.data.headers import image_headers, read_header
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError


def test_headers_of_a_data_set_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("L", (40, 30)).save(tmp_path / "images" / "b.png")
    Image.new("RGB", (20, 50)).save(tmp_path / "images" / "a.jpg")
    Image.fromarray(np.zeros((25, 35), np.uint16)).save(tmp_path / "images" / "c.tif")
    (tmp_path / "dataset.csv").write_text("image_id,label\nb.png,Normal\na.jpg,Benign\nc.tif,Benign\n")
    data = load_radiographs(load_config(None, [f"data.root={tmp_path}"]).data)
    table = image_headers(data)
    assert table.columns.tolist() == ["image_id", "width", "height", "mode", "bytes"]
    assert table.drop(columns="bytes").to_numpy().tolist() == [
        ["b.png", 40, 30, "L"],
        ["a.jpg", 20, 50, "RGB"],
        ["c.tif", 35, 25, "I;16"],
    ]
    sizes = [len((tmp_path / "images" / name).read_bytes()) for name in ("b.png", "a.jpg", "c.tif")]
    assert table["bytes"].tolist() == sizes


def test_no_pixel_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 200), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1000])  # the header is whole, the picture is not
    assert read_header(path) == (200, 300, "L", 1000)


def _png_that_declares(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    begin = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return begin + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a JPEG, PNG, BMP, TIFF or DICOM picture"),
        (b"a letter, not a picture", "is not a JPEG, PNG, BMP, TIFF or DICOM picture"),
        (b"GIF89a" + bytes(20), "is not a JPEG, PNG, BMP, TIFF or DICOM picture"),
        (_png_that_declares(30_000, 30_000), "declares more pixels"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"odd.png {message}"):
        read_header(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.png cannot be read: No such file"):
        read_header(tmp_path / "gone.png")
