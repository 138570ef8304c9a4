from __future__ import annotations

import dataclasses
import json

import pytest

from osteolens.domain import IMAGE_SUFFIXES, Preprocessing, image_stem
from osteolens.errors import ConfigError


@pytest.mark.parametrize(
    ("image_id", "stem"),
    [
        ("IMG000001.jpeg", "IMG000001"),
        ("IMG000001.jpg", "IMG000001"),
        ("IMG000001.JPG", "IMG000001"),
        ("IMG000001", "IMG000001"),
        ("images/IMG000001.png", "IMG000001"),
        (" IMG000001.tif ", "IMG000001"),
        ("1.2.840.10008", "1.2.840.10008"),
        ("a.jpeg.jpg", "a.jpeg"),
        ("", ""),
    ],
)
def test_an_image_is_known_by_its_name_without_folder_and_suffix(image_id: str, stem: str) -> None:
    assert image_stem(image_id) == stem


def test_every_suffix_that_is_read_is_taken_off() -> None:
    assert {image_stem(f"x{suffix}") for suffix in IMAGE_SUFFIXES} == {"x"}


def test_preprocessing_survives_json() -> None:
    record = Preprocessing(
        160,
        resize="stretch",
        interpolation="bilinear",
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        clahe=True,
        supersampling=1.5,
        equalise_resolution=128,
        clean_background=True,
        intensity="percentile",
    )
    assert Preprocessing.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    assert record.base.equalise_resolution == 128  # the base picture is made by the same record


def test_a_record_from_before_an_option_has_that_option_off() -> None:
    values = Preprocessing(224, clahe=True).to_dict()
    for key in ("equalise_resolution", "clean_background", "intensity"):
        del values[key]
    record = Preprocessing.from_dict(values)
    assert record == Preprocessing(224, clahe=True)
    assert (record.equalise_resolution, record.clean_background, record.intensity) == (None, False, "none")


def test_preprocessing_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Preprocessing(160).size = 8  # type: ignore[misc]


def test_all_problems_of_a_record_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        Preprocessing(8, resize="crop", interpolation="cubic", channels=2, mean=(0.5,), std=(0.0,))  # type: ignore[arg-type]
    text = "\n".join(caught.value.problems)
    for word in ("size", "'crop'", "'cubic'", "channels must be 1 or 3, not 2", "mean", "std must hold", "std must be"):
        assert word in text
    assert len(caught.value.problems) == 7


@pytest.mark.parametrize(
    "change",
    [
        {"size": 15},
        {"size": 4097},
        {"size": 2048, "supersampling": 2.1},
        {"size": 224.0},
        {"size": "224"},
        {"size": None},
        {"mean": [0.5, 0.5]},
        {"mean": None},
        {"mean": [0.5, 0.5, float("nan")]},
        {"std": [0.5, 0.5, 0.0]},
        {"std": "abc"},
        {"channels": []},
        {"equalise_resolution": 15},
        {"equalise_resolution": 4097},
        {"equalise_resolution": 128.0},
        {"equalise_resolution": True},
        {"clean_background": "yes"},
        {"clean_background": None},
        {"intensity": "median"},
    ],
)
def test_a_record_from_elsewhere_is_checked(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Preprocessing.from_dict({**Preprocessing(224).to_dict(), **change})


def test_a_base_picture_that_is_too_large_is_told_by_the_two_options_that_make_it() -> None:
    with pytest.raises(ConfigError, match=r"image_size 2048 times supersampling 2\.1 gives .* of 4301 pixels"):
        Preprocessing(2048, supersampling=2.1)
    assert Preprocessing(1536, supersampling=1.6).base.size == 2458
    assert Preprocessing(1024, supersampling=4).base.size == 4096


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'crop'.*known are.*'size'"):
        Preprocessing.from_dict({**Preprocessing(224).to_dict(), "crop": 3})


def test_an_incomplete_record_names_the_missing_key() -> None:
    values = Preprocessing(224).to_dict()
    del values["std"]
    with pytest.raises(ConfigError, match="std"):
        Preprocessing.from_dict(values)
