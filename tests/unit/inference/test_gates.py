from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from limbs import limb
from PIL import Image, ImageDraw

from osteolens.config import load_config
from osteolens.data.colour import coloured_share
from osteolens.data.images import Reading, decode, read_file
from osteolens.data.phantom import generate_phantom
from osteolens.data.radiographs import load_radiographs
from osteolens.inference.answer import Objection
from osteolens.inference.gates import GATES, LOOK_SIDE, look_at, objections


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (300, 300), dtype=np.uint8)


def _page() -> np.ndarray:
    image = Image.new("L", (600, 800), 250)
    for top in range(40, 760, 14):
        ImageDraw.Draw(image).text((40, top), "bone film report of the left knee and other words " * 2, fill=20)
    return np.asarray(image)


def _colour() -> np.ndarray:
    return np.stack([limb(), 255 - limb(), np.full((300, 300), 60, np.uint8)], axis=2)


def _drawing() -> np.ndarray:
    page = np.full((256, 256), 120, np.uint8)
    cv2.circle(page, (128, 128), 80, 30, cv2.FILLED)
    return page


def _sheet() -> np.ndarray:
    page = np.full((300, 300), 240, np.uint8)
    squares = np.random.default_rng(0).integers(0, 200, (6, 6), dtype=np.uint8)
    page[40:130, 40:130] = squares.repeat(15, axis=0).repeat(15, axis=1)
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 3), np.uint8)


def _gradient() -> np.ndarray:
    return np.tile(np.linspace(0, 255, 300).astype(np.uint8), (300, 1))


PICTURES: dict[str, tuple[Callable[[], np.ndarray], str | None]] = {
    "limb": (limb, None),
    "small limb": (lambda: limb(90, 90), "tiny"),
    "strip": (lambda: limb(1200, 200), "elongated"),
    "long limb": (lambda: limb(900, 200), None),
    "colour": (_colour, "colour"),
    "black": (lambda: np.zeros((300, 300), np.uint8), "blank"),
    "white": (lambda: np.full((300, 300), 255, np.uint8), "blank"),
    "drawing": (_drawing, "few-greys"),
    "noise": (_noise, "scattered"),
    "page": (_page, "scattered"),
    "sheet": (_sheet, "light-ground"),
    "gradient": (_gradient, "smooth"),
}


def _refusal(content: bytes) -> Objection | None:
    """Return what the first gate has against the bytes of a picture file, decoded as finely as gates look."""
    found = objections(look_at(decode(content, name="x", at_least=LOOK_SIDE), colour=coloured_share(content)))
    return found[0] if found else None


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.mark.parametrize("name", PICTURES)
def test_each_gate_refuses_its_kind_and_lets_alimb_pass(name: str) -> None:
    make, gate = PICTURES[name]
    found = _refusal(_png(make()))
    assert (found and found.gate) == gate
    if found is not None:
        assert found.reason.startswith("does not look like a radiograph: ")


def test_every_gate_is_tried() -> None:
    assert {gate for _, gate in PICTURES.values() if gate} == {gate.name for gate in GATES}


def test_a_coloured_mark_is_no_colour_picture() -> None:
    marked = np.stack([limb()] * 3, axis=2)
    marked[10:60, 10:60] = (255, 0, 0)  # 2,500 of 90,000 pixels
    assert _refusal(_png(marked)) is None


def test_the_numbers_worked_out_by_hand() -> None:
    halves = np.zeros((256, 256), np.uint8)
    halves[:, 128:] = 210
    look = look_at(Reading(halves, (1024, 512)), colour=0.3)
    assert (look.shorter_side, look.elongation, look.colour) == (512, 2, 0.3)
    assert look.spread == pytest.approx(105)
    assert look.levels == 2
    assert look.light_ground == 0.5
    # down all pairs are equal; across, 256 of 256 * 255 pairs hold one 0 and one 210. Of these pairs p = 127 / 255 and
    # q = 128 / 255 are light on the left and on the right: covariance p - p q, variances p (1 - p) and q (1 - q)
    p, q = 127 / 255, 128 / 255
    assert look.likeness == pytest.approx((p - p * q) / np.sqrt(p * (1 - p) * q * (1 - q)), abs=1e-5)
    # the Laplacian is +-210 in two columns of 256 and 0 elsewhere; edges are mirrored
    assert look.detail == pytest.approx(210 * np.sqrt(2 / 256) / 105, abs=1e-5)


def test_a_constant_picture_has_no_likeness_or_detail() -> None:
    look = look_at(Reading(np.full((100, 100), 7, np.uint8), (100, 100)))
    assert (look.spread, look.levels) == (0, 1)
    assert np.isnan(look.likeness)
    assert np.isnan(look.detail)


def test_noise_at_full_size_is_refused_as_well() -> None:
    large = np.random.default_rng(1).integers(0, 256, (2000, 2000), dtype=np.uint8)
    assert _refusal(_png(large)) is not None


def test_phantom_radiographs_pass(tmp_path: Path) -> None:
    generate_phantom(tmp_path / "data", images=30, longest_side=256, seed=7)
    data = load_radiographs(load_config(None, [f"data.root={tmp_path / 'data'}"]).data)
    for path in data.paths.values():
        found = _refusal(read_file(path))
        assert found is None or found.gate == "colour", (path.name, found)


@pytest.mark.real_data
def test_few_real_radiographs_are_refused(btxrd256: Path, fracatlas_sample: Path) -> None:
    paths = sorted((btxrd256 / "images").glob("*.jpeg"))[::19]
    paths += sorted((fracatlas_sample / "images").glob("*.jpg"))[::6]
    refused = [_refusal(read_file(path)) for path in paths]
    assert len(refused) > 240
    assert sum(found is not None for found in refused) <= 2
