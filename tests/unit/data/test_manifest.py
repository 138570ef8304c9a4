from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from osteolens.data.manifest import COLUMNS, Manifest, read_manifest
from osteolens.errors import DataError


def frame(parts: dict[str, str]) -> pd.DataFrame:
    rows = [
        {
            "image_id": name,
            "split": part,
            "label": "Normal",
            "case_id": f"c{number}",
            "center": "1",
            "source": "",
            "scheme": "case",
            "seed": "42",
        }
        for number, (name, part) in enumerate(parts.items())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def manifest(*parts: str) -> Manifest:
    return Manifest(frame({f"{number}.png": part for number, part in enumerate(parts)}))


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    wide = frame({"b.png": "train", "a.png": "test"}).assign(age="7")
    read = read_manifest(Manifest(wide).write(tmp_path / "splits" / "case.csv"))
    assert list(read.frame) == list(COLUMNS)
    assert read.frame.to_dict("list") == wide.drop(columns="age").to_dict("list")


def test_parts_keep_the_order_of_the_manifest() -> None:
    made = Manifest(frame({"c.png": "train", "b.png": "val", "a.png": "train"}))
    assert made.part("train")["image_id"].tolist() == ["c.png", "a.png"]
    assert made.part("test").empty
    assert made.has("val")
    assert not made.has("test")


@pytest.mark.parametrize(
    ("parts", "evaluated", "chosen_on"),
    [
        (("train", "val", "test"), "test", "val"),
        (("train", "test"), "test", None),
        (("train", "val"), "val", None),  # figures are reported on it, so nothing may be chosen on it
    ],
)
def test_what_is_reported_on_is_never_chosen_on(parts: tuple[str, ...], evaluated: str, chosen_on: str | None) -> None:
    made = manifest(*parts)
    assert made.evaluation_split == evaluated
    assert made.selection_split == chosen_on


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "is empty"),
        ({"a.jpg": "train", "a.jpeg": "test", "b": "train"}, "lists 1 image.* more than once, for example a"),
        (
            {"a.jpg": "test", "a.jpeg": "test", "b": "train"},
            "for example a.jpg in 'test' and a.jpeg in 'test'. Keep one",
        ),
        ({"a.jpg": "train", "x/a.jpg": "val"}, "a.jpg in 'train' and x/a.jpg in 'val'; 1 of them in several parts"),
        ({"a": "train", " ": "val"}, r"1 row\(s\) without an image_id"),
        ({"a": "train", "b": "validation"}, "'validation'; use train, val and test"),
        ({"a": "train", "b": ""}, "part.* ''"),
        ({"a": "val", "b": "test"}, "has no train part"),
    ],
)
def test_a_manifest_that_says_nothing_clear_is_refused(parts: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Manifest(frame(parts))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"lacks the column.* case_id"):
        Manifest(frame({"a": "train"}).drop(columns="case_id"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv does not exist"):
        read_manifest(tmp_path / "none.csv")
