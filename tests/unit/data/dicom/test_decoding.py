"""Every transfer syntax that is read, and colours; the encoders are other programs or other libraries."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from dicom_files import encapsulated, file_bytes, radiograph
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from osteolens.data.images import decode_grey
from osteolens.errors import DataError

WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


def textured() -> NDArray[np.uint16]:
    """Twelve bits, 40 x 48, without any symmetry."""
    y, x = np.mgrid[:40, :48]
    return (2000 + 1900 * np.sin(x / 7 + y / 11) * np.cos(y / 5)).astype(np.uint16)


def expected() -> NDArray[np.uint8]:
    return np.floor(textured() * (255 / 4095) + 0.5).astype(np.uint8)


def recoded(dataset: pydicom.FileDataset, syntax: Any, folder: Path) -> bytes:
    """The same picture encoded by GDCM."""
    plain, coded = folder / "plain.dcm", folder / "coded.dcm"
    plain.write_bytes(file_bytes(dataset))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(coded))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return coded.read_bytes()


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_lossless_codecs_give_the_same_picture(syntax: UID) -> None:
    dataset = radiograph(textured(), bits=12, **WINDOW)
    dataset.compress(syntax)
    np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEG2000Lossless"])
def test_what_gdcm_encoded_gives_the_same_picture(syntax: str, tmp_path: Path) -> None:
    data = recoded(radiograph(textured(), bits=12, **WINDOW), getattr(gdcm.TransferSyntax, syntax), tmp_path)
    np.testing.assert_array_equal(decode_grey(data, name="a"), expected())


def test_negative_values_survive_a_codec() -> None:
    signed = textured().astype(np.int16) - 2048
    window = {"WindowCenter": 0, "WindowWidth": 4096}
    for syntax in (JPEG2000Lossless, JPEGLSLossless, RLELossless):
        dataset = radiograph(signed, bits=12, **window)
        dataset.compress(syntax)
        np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_pixels_in_any_order(syntax: UID) -> None:
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    dataset = radiograph(textured(), bits=12, syntax=syntax, PixelData=textured().astype(order).tobytes(), **WINDOW)
    np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


@pytest.mark.parametrize("keeps_meta", [True, False])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1"])
def test_a_file_without_preamble_is_known_by_its_suffix(syntax: str, keeps_meta: bool) -> None:
    dataset = radiograph(textured(), bits=12, syntax=syntax, **WINDOW)
    data = file_bytes(dataset)[132:]
    if not keeps_meta:
        data = data[data.index(b"\x08\x00\x16\x00") :]  # from the SOP class UID on
    for name in ("a.dcm", "b.DICOM"):
        np.testing.assert_array_equal(decode_grey(data, name=name), expected())
    with pytest.raises(DataError, match=r"a\.png is not a JPEG, PNG, BMP, TIFF or DICOM picture"):
        decode_grey(data, name="a.png")


def test_another_picture_under_the_suffix_is_read_as_what_it_is() -> None:
    stream = io.BytesIO()
    Image.fromarray(expected()).save(stream, "PNG")
    np.testing.assert_array_equal(decode_grey(stream.getvalue(), name="a.dcm"), expected())


def test_a_jpeg_of_eight_bits() -> None:
    stream = io.BytesIO()
    Image.fromarray(expected()).save(stream, "JPEG", quality=98)
    window = {"WindowCenter": 128, "WindowWidth": 256}
    dataset = encapsulated(expected(), stream.getvalue(), JPEGBaseline8Bit, **window)
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), np.asarray(image))


def test_a_jpeg_of_twelve_bits(tmp_path: Path) -> None:
    if shutil.which("dcmcjpeg") is None:
        pytest.skip("needs dcmcjpeg of the Debian package dcmtk")
    plain, coded = tmp_path / "plain.dcm", tmp_path / "coded.dcm"
    plain.write_bytes(file_bytes(radiograph(textured(), bits=12, **WINDOW)))
    subprocess.run(["dcmcjpeg", "+ee", "+q", "95", "+sr", plain, coded], check=True, capture_output=True)  # noqa: S603, S607
    assert np.abs(decode_grey(coded.read_bytes(), name="a").astype(int) - expected()).max() <= 1


def test_a_lossy_swing_beyond_the_bits_stored_is_white_and_not_black(tmp_path: Path) -> None:
    """A stream of 12 bits for a picture of 10: 1,024 and more is above white, and must not wrap round to 0."""
    if shutil.which("dcmcjpeg") is None:
        pytest.skip("needs dcmcjpeg of the Debian package dcmtk")
    pixels = np.where(np.mgrid[:40, :48][1] % 7 < 3, 1100, 300).astype(np.uint16)
    plain, coded = tmp_path / "plain.dcm", tmp_path / "coded.dcm"
    plain.write_bytes(file_bytes(radiograph(pixels, bits=12, WindowCenter=512, WindowWidth=1024)))
    subprocess.run(["dcmcjpeg", "+ee", "+q", "95", "+sr", plain, coded], check=True, capture_output=True)  # noqa: S603, S607
    dataset = pydicom.dcmread(coded)
    dataset.BitsStored, dataset.HighBit = 10, 9
    grey = decode_grey(file_bytes(dataset), name="a")
    assert (grey[pixels == 1100] == 255).all()
    assert grey[pixels == 300].max() < 90  # 300 / 1023 * 255 = 74.8


def test_a_sign_that_is_not_spread_survives_a_lossless_codec() -> None:
    words = (textured().astype(np.int32) - 2048) & 0x0FFF
    for syntax in (JPEG2000Lossless, JPEGLSLossless):
        dataset = radiograph(words.astype(np.uint16), bits=12, WindowCenter=0, WindowWidth=4096)
        dataset.compress(syntax)
        dataset.PixelRepresentation = 1
        np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


def coloured(share: float) -> NDArray[np.uint8]:
    """A grey picture whose first pixels, by share, are red."""
    pixels = np.repeat(expected()[:, :, None], 3, axis=2)
    marked = int(share * pixels[:, :, 0].size)
    pixels.reshape(-1, 3)[:marked] = (200, 10, 10)
    return pixels


@pytest.mark.parametrize("planar", [0, 1])
def test_a_colour_picture_of_equal_channels_is_read(planar: int) -> None:
    pixels = coloured(0)
    stored = pixels.transpose(2, 0, 1) if planar else pixels
    dataset = radiograph(pixels, PlanarConfiguration=planar, PixelData=stored.tobytes())
    np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


def test_luminance_and_chrominance_without_colour_are_read() -> None:
    pixels = np.stack([expected(), np.full_like(expected(), 128), np.full_like(expected(), 128)], axis=2)
    dataset = radiograph(pixels, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_array_equal(decode_grey(file_bytes(dataset), name="a"), expected())


def test_a_picture_in_colour_is_refused() -> None:
    with pytest.raises(DataError, match="a is a picture in colour; a radiograph is grey"):
        decode_grey(file_bytes(radiograph(coloured(0.01))), name="a")


def palette(red: list[int], others: list[int]) -> dict[str, Any]:
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, values in (("Red", red), ("Green", others), ("Blue", others)):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [len(values), 0, 8]
        elements[f"{colour}PaletteColorLookupTableData"] = bytes(values)
    return elements


def test_a_grey_palette_is_looked_up_and_a_coloured_one_refused() -> None:
    pixels = (np.arange(32 * 24).reshape(32, 24) % 4).astype(np.uint8)
    grey = [0, 70, 140, 250]
    read = decode_grey(file_bytes(radiograph(pixels, **palette(grey, grey))), name="a")
    np.testing.assert_array_equal(read, np.array(grey, np.uint8)[pixels])
    with pytest.raises(DataError, match="in colour"):
        decode_grey(file_bytes(radiograph(pixels, **palette(grey, grey[::-1]))), name="a")


@pytest.mark.parametrize(
    ("element", "value", "shape"),
    [
        ("PixelSpacing", ["0.4", "0.2"], (40, 24)),  # rows twice as far apart as columns: half the columns
        ("ImagerPixelSpacing", ["0.1", "0.2"], (20, 48)),
        ("NominalScannedPixelSpacing", ["0.3", "0.2"], (40, 32)),
        ("PixelAspectRatio", ["1", "2"], (20, 48)),
        ("PixelSpacing", ["0.2000", "0.2001"], (40, 48)),  # below what is noticed
        ("PixelSpacing", ["0", "0"], (40, 48)),
    ],
)
def test_pixels_are_made_square(element: str, value: list[str], shape: tuple[int, int]) -> None:
    grey = decode_grey(file_bytes(radiograph(textured(), bits=12, **{element: value}, **WINDOW)), name="a")
    assert grey.shape == shape
    if shape == (40, 24):  # the mean of each pair of columns
        pairs = expected().reshape(40, 24, 2).astype(int).sum(axis=2) / 2
        assert np.abs(grey - pairs).max() <= 0.5


def test_an_impossible_pixel_is_refused() -> None:
    with pytest.raises(DataError, match="pixels 50 times as high as wide"):
        decode_grey(file_bytes(radiograph(textured(), PixelAspectRatio=["50", "1"])), name="a")
