"""Files that are no radiograph, or no longer one: a right reading or a typed refusal."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osteolens.data.images import decode_grey, read_grey
from osteolens.errors import DataError


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_declaring(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def noise(height: int = 64, width: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8))


def frames(kind: str) -> bytes:
    return encoded(noise(), kind, save_all=True, append_images=[noise().rotate(90)])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"image_id,center\nIMG1,1\n" * 20, "is not a JPEG, PNG, BMP, TIFF or DICOM"),
    "gif": (lambda: encoded(noise(), "GIF"), "is not a JPEG, PNG, BMP, TIFF or DICOM"),
    "animated webp": (lambda: frames("WEBP"), "is not a JPEG, PNG, BMP, TIFF or DICOM"),
    "animated png": (lambda: frames("PNG"), "holds several pictures"),
    "tiff pages": (lambda: frames("TIFF"), "holds several pictures"),
    "half a jpeg": (lambda: encoded(noise(), "JPEG")[:1500], "is damaged"),
    "a jpeg without its end": (lambda: encoded(noise(), "JPEG")[:-2], "is damaged"),
    "half a png": (lambda: encoded(noise(), "PNG")[:2000], "is damaged"),
    "half a tiff": (lambda: encoded(noise(), "TIFF")[:2000], "is damaged|is not a JPEG"),
    "half a bmp": (lambda: encoded(noise(), "BMP")[:2000], "is damaged"),
    "one pixel": (lambda: encoded(noise(1, 1), "PNG"), "1 x 1 pixels"),
    "a strip": (lambda: encoded(noise(15, 400), "PNG"), "400 x 15 pixels"),
    "a bomb": (lambda: png_declaring(30_000, 30_000), "100,000,000"),
    "a smaller bomb": (lambda: png_declaring(12_000, 9_000), "12000 x 9000 pixels"),
    "not numbers": (lambda: encoded(Image.fromarray(np.full((32, 32), np.nan, np.float32)), "TIFF"), "floating-point"),
    "32 bit": (lambda: encoded(Image.fromarray(np.full((32, 32), 70_000, np.int32)), "TIFF"), "32-bit"),
    "dicom": (lambda: bytes(128) + b"DICM" + bytes(200), "is a DICOM file"),
    "no tags": (lambda: b"II*\0\x08\0\0\0\0\0\0\0\0\0" + bytes(100), "is damaged|is not a JPEG"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_single_whole_radiograph_is_refused_by_name(case: str, tmp_path: Path) -> None:
    content, words = REFUSED[case]
    path = tmp_path / "suspect.jpg"
    path.write_bytes(content())
    for at_least in (None, 16):
        with pytest.raises(DataError, match=words) as caught:
            read_grey(path, at_least=at_least)
        assert "suspect.jpg" in str(caught.value)


def test_a_path_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_grey(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged metadata that does no harm
def test_damaged_bytes_are_read_or_refused_and_nothing_else() -> None:
    grey = noise(64, 48)
    colour = Image.merge("RGB", [grey, grey.rotate(180), grey])
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [
        encoded(grey, "JPEG"),
        encoded(colour, "JPEG", progressive=True, exif=exif),
        encoded(colour.convert("CMYK"), "JPEG"),
        encoded(grey, "PNG", exif=exif),
        encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
        encoded(colour.convert("P"), "PNG", transparency=0),
        encoded(grey, "BMP"),
        encoded(grey, "TIFF"),
        encoded(colour, "TIFF", compression="tiff_lzw"),
        encoded(grey.convert("1"), "TIFF", compression="group4"),
    ]
    generator = np.random.default_rng(3)
    outcomes = {"read": 0, "refused": 0}
    for data in files * 80:
        broken = np.frombuffer(data, np.uint8).copy()
        where = generator.integers(0, len(broken) if generator.random() < 0.5 else min(200, len(broken)), size=4)
        if data[:2] == b"II" and generator.random() < 0.7:  # the tags lie at the end
            where = len(broken) - 1 - where
        broken[where] = generator.choice([0, 1, 255, 128], size=4)
        kept = int(generator.integers(len(broken))) if generator.random() < 0.2 else len(broken)
        try:
            result = decode_grey(broken[:kept].tobytes(), name="a", at_least=int(generator.choice([16, 1000])))
        except DataError:
            outcomes["refused"] += 1
        else:
            assert (result.ndim, result.dtype) == (2, np.uint8)
            outcomes["read"] += 1
    assert min(outcomes.values()) > 100


@pytest.fixture
def truncated_radiographs() -> list[Path]:
    folder = Path(__file__).resolve().parents[4] / "shared" / "fracatlas_sample" / "truncated"
    if not folder.is_dir():
        pytest.skip("needs fracatlas_sample/truncated in the folder shared/ beside the checkout")
    return sorted(folder.iterdir())


@pytest.mark.real_data
def test_truncated_radiographs_of_a_real_release_are_refused(truncated_radiographs: list[Path]) -> None:
    assert len(truncated_radiographs) == 8
    for path in truncated_radiographs:
        for at_least in (None, 224):
            with pytest.raises(DataError, match=rf"{path.name} is damaged"):
                read_grey(path, at_least=at_least)
