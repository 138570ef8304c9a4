from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.cases import is_btxrd
from osteolens.data.duplicates import (
    NearPair,
    exact_duplicates,
    known_original_duplicates,
    near_duplicates,
    perceptual_hashes,
)
from osteolens.data.images import read_grey

Grey = NDArray[np.uint8]


def picture(seed: int = 0, side: int = 96) -> Grey:
    """Blurred noise: structure at many scales, values 40 to 200."""
    noise = np.random.default_rng(seed).normal(size=(12, 12))
    smooth = np.asarray(Image.fromarray(noise.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC))
    return (40 + 160 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def bits_that_differ(first: Grey, second: Grey) -> int:
    a, b = perceptual_hashes([first, second])
    return (int(a) ^ int(b)).bit_count()


def test_a_cosine_sets_the_bit_of_its_frequency() -> None:
    """A cosine of 3 half-waves across and none down has coefficients (0, 0) and (0, 3) only: bits 0 and 3 of row 0.

    A coefficient of the DCT-II of a 32-pixel cosine sampled at its nodes is 0 for every other frequency.
    """
    x = np.arange(32)
    wave = 128 + 100 * np.cos(np.pi * 3 * (2 * x + 1) / 64)
    grey = np.repeat(np.round(wave)[None, :], 32, axis=0).astype(np.uint8)
    (value,) = perceptual_hashes([grey])
    row_of_zero = int(value) >> 56
    assert row_of_zero & 0b10010000 == 0b10010000
    assert int(value) & ((1 << 56) - 1) == 0  # no vertical frequency


def test_a_blank_picture_has_only_its_mean() -> None:
    assert perceptual_hashes([np.full((40, 50), 77, np.uint8)]).tolist() == [1 << 63]
    assert perceptual_hashes([]).tolist() == []


def test_hash_equals_that_of_imagehash() -> None:
    imagehash = pytest.importorskip("imagehash")
    pictures = [picture(seed, side) for seed, side in ((1, 96), (2, 256), (3, 33))]
    expected = [int(str(imagehash.phash(Image.fromarray(grey))), 16) for grey in pictures]
    assert [int(value) for value in perceptual_hashes(pictures)] == expected


def test_brightness_size_and_encoding_move_few_bits() -> None:
    grey = picture()
    stream = BytesIO()
    Image.fromarray(grey).save(stream, format="JPEG", quality=60)
    encoded = np.asarray(Image.open(stream))
    larger = np.asarray(Image.fromarray(grey).resize((300, 200), Image.Resampling.BICUBIC))
    assert bits_that_differ(grey, (grey * 0.8).astype(np.uint8)) <= 2
    assert bits_that_differ(grey, encoded) <= 2
    assert bits_that_differ(grey, larger) <= 2
    assert bits_that_differ(grey, picture(seed=1)) > 16


def test_exact_duplicates_are_grouped_in_order() -> None:
    assert exact_duplicates({"b": "1", "a": "2", "c": "1", "d": "3", "e": "2", "f": "1"}) == [
        ["b", "c", "f"],
        ["a", "e"],
    ]


def test_near_duplicates_of_hand_made_hashes() -> None:
    hashes = np.array([0b0000, 0b0001, 0b0111, (1 << 64) - 1], dtype=np.uint64)
    names = ["a", "b", "c", "d"]
    assert near_duplicates(names, hashes, 2) == [NearPair("a", "b", 1), NearPair("b", "c", 2)]
    assert near_duplicates(names, hashes, 0) == []
    assert len(near_duplicates(names, hashes, 64)) == 6
    assert near_duplicates([], np.zeros(0, dtype=np.uint64)) == []


def test_pairs_are_found_across_blocks() -> None:
    """With 6,000 images the comparison runs in several blocks; only the first and the last are alike."""
    hashes = np.random.default_rng(5).integers(0, 2**64, size=6000, dtype=np.uint64)
    hashes[-1] = hashes[0] ^ np.uint64(1 << 40)
    names = [str(i) for i in range(6000)]
    assert near_duplicates(names, hashes, 4) == [NearPair("0", "5999", 1)]


def test_the_release_holds_21_identical_pairs() -> None:
    groups = known_original_duplicates()
    assert len(groups) == 21
    assert all(len(group) == 2 for group in groups)
    assert ["IMG000591", "IMG003456"] in groups
    assert ["IMG000707", "IMG003346"] in groups


def test_btxrd_is_known_by_its_labels_not_by_its_names() -> None:
    assert is_btxrd({"IMG000001.jpg": "Malignant", "IMG000591": "Benign", "IMG003456": "Normal"})
    assert not is_btxrd({"IMG000001.jpg": "Normal", "IMG000591": "Normal", "IMG003456": "Normal"})
    assert not is_btxrd({"own.png": "Normal"})
    assert not is_btxrd({})


@pytest.mark.real_data
def test_btxrd_near_duplicates(btxrd256: Path) -> None:
    paths = sorted((btxrd256 / "images").glob("*.jpeg"))
    names = [path.stem for path in paths]
    pairs = near_duplicates(names, perceptual_hashes(read_grey(path) for path in paths))
    identical = [[pair.first, pair.second] for pair in pairs if pair.distance == 0]
    assert sorted(identical) == sorted(known_original_duplicates())
    assert len(pairs) - len(identical) == 20
