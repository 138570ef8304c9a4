"""Pictures that are no radiographs of limbs, for ``benchmarks/novelty.py``: made, or from files of installed packages.

The photographs come with scikit-learn and matplotlib, the CT, MR and ultrasound pictures with pydicom and matplotlib;
one CT and two films of a chest are in ``../shared/dicom``. Each file gives several pictures by cropping, mirroring and
another gamma; these are not independent, so every picture names the file it came from.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from osteolens.randomness import named_generator

SHARED = Path(__file__).resolve().parents[2] / "shared"
Pixels = NDArray[np.uint8]

WORDS = "the of and bone film date view report patient left right knee page 12 1984 seen normal method table in with no"
SIDE = 512  # pixels of a made picture
VIEWS = 20  # pictures that one file gives


@dataclass(frozen=True, slots=True)
class Stranger:
    """A picture as a file would hold it: uint8 [h, w] or RGB [h, w, 3], its kind and the file it came from."""

    kind: str
    origin: str
    pixels: Pixels


def strangers(shared: Path = SHARED) -> list[Stranger]:
    """Return all pictures, the same ones every time; films of `shared` are left out where they are not there."""
    found = [*_photographs(), *_medical(shared / "dicom"), *_false_colour(shared / "btxrd256" / "images")]
    for kind, make in MADE.items():
        for number in range(VIEWS):
            generator = named_generator(0, "stranger", kind, number)
            found.append(Stranger(kind, f"{kind} {number}", make(generator)))
    return found


def dicom_grey(path: Path) -> Pixels:
    """Return the picture of a DICOM file over its full range, black is 0; colour as luminance."""
    dataset = pydicom.dcmread(path, force=True)
    pixels = dataset.pixel_array
    if pixels.ndim == 3:
        return np.asarray(cv2.cvtColor(pixels.astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)
    values = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype(np.float64)
    grey = _full_range(values)
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def _full_range(values: NDArray[np.float64]) -> Pixels:
    low, high = values.min(), values.max()
    return ((values - low) * 255 / max(high - low, 1e-9) + 0.5).astype(np.uint8)


def _views(kind: str, origin: str, pixels: Pixels) -> Iterator[Stranger]:
    """Yield a picture and other views of it: a square of 60 to 100 % of its shorter side, mirrored, another gamma."""
    yield Stranger(kind, origin, pixels)
    for number in range(1, VIEWS):
        generator = named_generator(0, "view", kind, origin, number)
        height, width = pixels.shape[:2]
        side = int(min(height, width) * generator.uniform(0.6, 1.0))
        top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
        cut = pixels[top : top + side, left : left + side]
        if generator.random() < 0.5:
            cut = cut[:, ::-1]
        gamma = 2 ** generator.uniform(-0.5, 0.5)
        yield Stranger(kind, origin, (255 * (cut / 255.0) ** gamma + 0.5).astype(np.uint8))


def _photographs() -> Iterator[Stranger]:
    scikit_learn = files("sklearn.datasets.images")
    samples = files("matplotlib") / "mpl-data" / "sample_data"
    for name, file in (
        ("china", scikit_learn / "china.jpg"),
        ("flower", scikit_learn / "flower.jpg"),
        ("portrait", samples / "grace_hopper.jpg"),
    ):
        with file.open("rb") as stream, Image.open(stream) as image:
            colour = np.asarray(image.convert("RGB"))
        yield from _views("photograph, colour", name, colour)
        yield from _views("photograph, grey", name, np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.uint8))
    relief = np.load(str(samples / "topobathy.npz"))["topo"].astype(np.float64)
    yield from _views("relief map", "topobathy", _full_range(np.clip(relief, -6000, 6000)))


def _medical(folder: Path) -> Iterator[Stranger]:
    packaged = Path(str(files("pydicom") / "data" / "test_files"))
    known = {
        "CT": (folder / "CT1_J2KI.dcm", packaged / "CT_small.dcm", packaged / "693_J2KI.dcm"),
        "MR": (packaged / "MR_small.dcm", packaged / "examples_overlay.dcm"),
        "ultrasound": (packaged / "examples_jpeg2k.dcm", packaged / "examples_palette.dcm"),
        "chest film": (folder / "RG1_J2KI.dcm",),
        "animal's chest film": (folder / "dx_image.dcm",),
    }
    for kind, paths in known.items():
        for path in paths:
            if path.is_file():
                yield from _views(kind, path.stem, dicom_grey(path))
    with gzip.open(str(files("matplotlib") / "mpl-data" / "sample_data" / "s1045.ima.gz")) as stream:
        head = np.frombuffer(stream.read(), np.uint16).reshape(256, 256)
    yield from _views("MR", "s1045", _full_range(head.astype(np.float64)))


def _false_colour(images: Path) -> Iterator[Stranger]:
    """Yield radiographs in a rainbow of colours: their grey says nothing any more."""
    for path in sorted(images.glob("*.jpeg"))[:: 3746 // VIEWS][:VIEWS] if images.is_dir() else ():
        rainbow = cv2.applyColorMap(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), cv2.COLORMAP_JET)
        yield Stranger("radiograph in false colours", path.stem, np.ascontiguousarray(rainbow[:, :, ::-1]))


def _text_page(generator: np.random.Generator, ground: int = 250, ink: int = 20) -> Pixels:
    image = Image.new("L", (int(SIDE * 1.4), int(SIDE * generator.uniform(1.0, 2.0))), ground)
    draw, size = ImageDraw.Draw(image), int(generator.integers(12, 30))
    font = ImageFont.load_default(size)
    words = WORDS.split()
    for top in range(30, image.height - 30, int(size * generator.uniform(1.2, 2.0))):
        line = " ".join(generator.choice(words, size=int(generator.integers(3, 1200 // size))))
        draw.text((40, top), line, fill=ink, font=font)
    return np.asarray(image)


def _screen(generator: np.random.Generator) -> Pixels:
    return _text_page(generator, ground=15, ink=230)


def _chart(generator: np.random.Generator) -> Pixels:
    page = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.line(page, (50, 20), (50, 460), 0, 2)
    cv2.line(page, (50, 460), (490, 460), 0, 2)
    if generator.random() < 0.5:
        for place, height in enumerate(generator.integers(20, 420, 8)):
            shade = int(generator.integers(40, 200))
            cv2.rectangle(page, (70 + 52 * place, 460 - int(height)), (105 + 52 * place, 460), shade, cv2.FILLED)
    else:
        for _ in range(4):
            heights = 240 + np.cumsum(generator.normal(0, 18, 44))
            points = np.stack([np.arange(55, 495, 10), heights.clip(20, 455)], axis=1).astype(np.int32)
            cv2.polylines(page, [points], isClosed=False, color=int(generator.integers(0, 150)), thickness=2)
    return page


def _white_noise(generator: np.random.Generator) -> Pixels:
    kind, shape = generator.integers(3), (256, 256)
    if kind == 0:
        level, spread = generator.uniform(60, 200), generator.uniform(20, 80)
        return generator.normal(level, spread, shape).clip(0, 255).astype(np.uint8)
    if kind == 1:
        return generator.integers(0, 256, shape, dtype=np.uint8)
    return (generator.random(shape) < generator.uniform(0.2, 0.8)).astype(np.uint8) * 255


def _smooth_noise(generator: np.random.Generator) -> Pixels:
    rough = generator.normal(size=(256, 256))
    return _full_range(np.asarray(cv2.GaussianBlur(rough, (0, 0), generator.uniform(2, 20)), np.float64))


def _power_noise(generator: np.random.Generator) -> Pixels:
    """Noise whose amplitude falls with frequency, as that of natural pictures does."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(generator.normal(size=(256, 256))) / frequency ** generator.uniform(0.8, 1.6)
    spectrum[0, 0] = 0
    return _full_range(np.fft.ifft2(spectrum).real)


def _blank(generator: np.random.Generator) -> Pixels:
    level, grain = generator.uniform(0, 255), generator.choice([0.0, 1.0, 2.0])
    return (level + generator.normal(0, 1, (256, 256)) * grain + 0.5).clip(0, 255).astype(np.uint8)


def _gradient(generator: np.random.Generator) -> Pixels:
    direction = generator.uniform(0, 2 * np.pi)
    across, down = np.meshgrid(np.arange(256.0), np.arange(256.0))
    return _full_range(np.cos(direction) * across + np.sin(direction) * down)


def _pattern(generator: np.random.Generator) -> Pixels:
    step = int(generator.integers(8, 64))
    across, down = np.meshgrid(np.arange(256) // step, np.arange(256) // step)
    squares = (across + down) % 2 if generator.random() < 0.5 else across % 2
    dark, light = sorted(generator.integers(0, 256, 2).tolist())
    return np.where(squares == 1, light, dark).astype(np.uint8)


MADE: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "page of text": _text_page,
    "screen of text": _screen,
    "chart": _chart,
    "white noise": _white_noise,
    "smooth noise": _smooth_noise,
    "1/f noise": _power_noise,
    "blank": _blank,
    "gradient": _gradient,
    "stripes and squares": _pattern,
}
