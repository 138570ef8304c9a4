from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from osteolens.data.images import decode_grey, read_grey

Grey = NDArray[np.uint8]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gradient(height: int = 32, width: int = 24) -> Grey:
    """A picture without any symmetry."""
    return (np.arange(height)[:, None] * 5 + np.arange(width)[None] * 3).astype(np.uint8)


def textured(height: int, width: int) -> Grey:
    """Smooth structures down to four pixels wide, as a radiograph has, and a little noise."""
    y, x = np.mgrid[:height, :width]
    value = 120 + 60 * np.sin(y / 90) + 35 * np.cos(x / 40 + y / 70) + 12 * np.sin(x / 3) * np.sin(y / 5)
    return (value + np.random.default_rng(0).normal(0, 3, value.shape)).clip(0, 255).astype(np.uint8)


def tiff(width: int, height: int, bits: int, photometric: int, pixels: bytes) -> bytes:
    """A little-endian TIFF in one strip (TIFF 6.0, section 2)."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 277: 1, 278: height, 279: len(pixels)}
    tags[273] = 8 + 2 + 12 * (len(tags) + 1) + 4  # where the strip begins: after the tags
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + pixels


def test_a_grey_png_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(gradient()), "PNG"))
    grey = read_grey(path)
    assert grey.dtype == np.uint8
    np.testing.assert_array_equal(grey, gradient())


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_other_lossless_kinds_are_read_as_they_are(kind: str) -> None:
    np.testing.assert_array_equal(decode_grey(encoded(Image.fromarray(gradient()), kind), name="a"), gradient())


def test_a_jpeg_is_read_within_its_loss() -> None:
    data = encoded(Image.fromarray(gradient()), "JPEG", quality=98)
    assert np.abs(decode_grey(data, name="a").astype(int) - gradient()).max() <= 2


@pytest.mark.parametrize(
    ("colour", "luminance"),  # .299 R + .587 G + .114 B
    [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((100, 150, 200), 141)],
)
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 98}), ("JPEG", {"keep_rgb": True})])
def test_colour_becomes_luminance(
    colour: tuple[int, int, int], luminance: int, kind: str, options: dict[str, Any]
) -> None:
    grey = decode_grey(encoded(Image.new("RGB", (32, 32), colour), kind, **options), name="a")
    assert np.abs(grey.astype(int) - luminance).max() <= 1


def test_a_cmyk_jpeg_is_not_inverted() -> None:
    data = encoded(Image.new("CMYK", (32, 32), (0, 0, 0, 155)), "JPEG", quality=98)
    assert np.abs(decode_grey(data, name="a").astype(int) - 100).max() <= 1  # 255 minus the black


def test_sixteen_bits_are_scaled_over_their_full_range() -> None:
    levels = np.resize(np.array([0, 257, 128 * 257, 65535, 257 * 10 + 128, 257 * 10 + 129], np.uint16), (32, 24))
    expected = np.resize(np.array([0, 1, 128, 255, 10, 11], np.uint8), (32, 24))
    for kind in ("PNG", "TIFF"):
        np.testing.assert_array_equal(decode_grey(encoded(Image.fromarray(levels), kind), name="a"), expected)
    big_endian = Image.frombytes("I;16B", (24, 32), levels.astype(">u2").tobytes())
    np.testing.assert_array_equal(decode_grey(encoded(big_endian, "TIFF"), name="a"), expected)


def test_a_tiff_in_which_zero_is_white_is_turned_round() -> None:
    values = np.arange(32 * 24).reshape(32, 24) % 256
    data = tiff(24, 32, 16, 0, (values * 257).astype("<u2").tobytes())
    np.testing.assert_array_equal(decode_grey(data, name="a"), 255 - values)
    data = tiff(24, 32, 8, 0, values.astype(np.uint8).tobytes())
    np.testing.assert_array_equal(decode_grey(data, name="a"), 255 - values)


def test_twelve_bits_are_scaled_over_their_full_range() -> None:
    values = [0, 4095, 2048, 1000] * 192
    bits = "".join(f"{value:012b}" for value in values)
    data = tiff(24, 32, 12, 1, int(bits, 2).to_bytes(len(bits) // 8, "big"))
    # 2048 * 255 / 4095 = 127.5; 1000 * 255 / 4095 = 62.3
    assert decode_grey(data, name="a")[0, :4].tolist() in ([0, 255, 128, 62], [0, 255, 127, 62])


def test_one_bit_is_black_and_white() -> None:
    pattern = np.arange(32 * 24).reshape(32, 24) % 3 == 0
    data = encoded(Image.fromarray(pattern), "PNG")
    np.testing.assert_array_equal(decode_grey(data, name="a"), np.where(pattern, 255, 0))


def test_a_palette_is_looked_up() -> None:
    image = Image.fromarray((np.arange(32 * 24).reshape(32, 24) % 2).astype(np.uint8))
    image = image.convert("P")
    image.putpalette([200, 200, 200, 10, 10, 10])
    grey = decode_grey(encoded(image, "PNG"), name="a")
    assert grey[0, :4].tolist() == [200, 10, 200, 10]


def test_what_is_transparent_is_black() -> None:
    grey, alpha = np.full((32, 32), 200, np.uint8), np.zeros((32, 32), np.uint8)
    alpha[:, 8:16], alpha[:, 16:] = 127, 255
    for mode in ("LA", "RGBA"):
        bands = [*([Image.fromarray(grey)] * (len(mode) - 1)), Image.fromarray(alpha)]
        row = decode_grey(encoded(Image.merge(mode, bands), "PNG"), name="a")[0]
        assert set(row[:8]) == {0}
        assert set(row[8:16]) <= {99, 100}  # 200 * 127 / 255
        assert set(row[16:]) == {200}
    marked = np.where(alpha > 0, grey, 7).astype(np.uint8)
    row = decode_grey(encoded(Image.fromarray(marked), "PNG", transparency=7), name="a")[0]
    assert row.tolist() == [0] * 8 + [200] * 24


def test_an_all_black_picture_is_a_picture() -> None:
    for kind in ("PNG", "JPEG"):
        grey = decode_grey(encoded(Image.new("L", (40, 30)), kind), name="a")
        assert grey.shape == (30, 40)
        assert not grey.any()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_pictures_are_turned_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(gradient()), kind, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    grey = decode_grey(data, name="a")
    assert grey.shape == expected.shape == ((24, 32) if orientation >= 5 else (32, 24))
    assert np.abs(grey - expected).max() <= 1
    assert grey.flags.c_contiguous


def test_an_orientation_that_does_not_exist_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    np.testing.assert_array_equal(
        decode_grey(encoded(Image.fromarray(gradient()), "PNG", exif=exif), name="a"), gradient()
    )


def area_resized(grey: Grey, size: int) -> NDArray[np.int64]:
    return np.asarray(cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA)).astype(np.int64)


def test_a_scaled_decode_keeps_both_sides_large_enough() -> None:
    data = encoded(Image.fromarray(textured(800, 600)), "JPEG", quality=90)
    for at_least in (20, 75, 76, 150, 224, 300, 525):
        height, width = decode_grey(data, name="a", at_least=at_least).shape
        assert at_least <= width < 600
        assert height * 600 == width * 800
        assert (width - 75) < at_least or width == 75  # eighths of the size; the next smaller would not do
    for at_least in (None, 526, 600, 5000):
        assert decode_grey(data, name="a", at_least=at_least).shape == (800, 600)


def test_only_jpegs_are_scaled() -> None:
    assert decode_grey(encoded(Image.fromarray(textured(800, 600)), "PNG"), name="a", at_least=50).shape == (800, 600)


@pytest.mark.parametrize("size", [128, 224, 300])
def test_a_scaled_decode_is_close_to_area_averaging(size: int) -> None:
    data = encoded(Image.fromarray(textured(1600, 1200)), "JPEG", quality=90)
    scaled, full = decode_grey(data, name="a", at_least=size), decode_grey(data, name="a")
    assert scaled.size < full.size
    assert np.abs(area_resized(scaled, size) - area_resized(full, size)).mean() < 2


@pytest.mark.real_data
def test_a_scaled_decode_of_real_radiographs_is_close_to_area_averaging(btxrd_originals: Path) -> None:
    differences = []
    for path in sorted(btxrd_originals.iterdir()):
        scaled, full = read_grey(path, at_least=224), read_grey(path)
        differences.append(np.abs(area_resized(scaled, 224) - area_resized(full, 224)).mean())
    assert len(differences) == 30
    assert np.mean(differences) < 1
    assert max(differences) < 2.5


@pytest.mark.real_data
def test_real_radiographs_are_read_as_pillow_reads_them(btxrd_originals: Path) -> None:
    for path in sorted(btxrd_originals.iterdir())[2::10]:
        with Image.open(path) as image:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("L")).astype(int)
        difference = np.abs(read_grey(path) - expected)
        assert difference.max() <= 2, path.name
        assert difference.mean() < 0.6, path.name
