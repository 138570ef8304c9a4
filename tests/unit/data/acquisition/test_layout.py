"""The oddities of the release put right, by the names alone; the table by openpyxl's reading of the workbook."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from osteolens.data.acquisition.layout import LOCK_FILE, OUTSIDE, SYSTEM_FILE, UNKNOWN, complete_metadata, plan_layout
from osteolens.data.columns import COLUMN_NAMES
from osteolens.errors import DataError


def parts(*names: str) -> list[tuple[str, ...]]:
    return [tuple(name.split("/")) for name in names]


def test_the_oddities_of_the_release() -> None:
    plan = plan_layout(
        parts(
            "BTXRD/images/IMG000001.jpeg",
            "BTXRD/images/IMG003720.jpg",
            "BTXRD/Annotations/IMG000001.json",
            "BTXRD/Annotations/Annotations/IMG000001.json",
            "BTXRD/Annotations/Annotations/IMG000002.json",
            "BTXRD/dataset.xlsx",
            "BTXRD/~$dataset(total).xlsx",
        )
    )
    assert plan.wrapper == "BTXRD"
    assert list(plan.files) == [
        "images/IMG000001.jpeg",
        "images/IMG003720.jpg",
        "Annotations/IMG000001.json",
        "dataset.xlsx",
        "Annotations/IMG000002.json",  # only nested, so not lost
    ]
    assert plan.twins == {"Annotations/IMG000001.json": ("BTXRD", "Annotations", "Annotations", "IMG000001.json")}
    assert plan.left_out == {LOCK_FILE: [("BTXRD", "~$dataset(total).xlsx")]}


def test_what_operating_systems_and_other_tools_add_is_left_out() -> None:
    plan = plan_layout(
        parts(
            "images/a.png",
            "dataset.csv",
            "cases.csv",
            "README.md",
            "download.json",
            "SHA256SUMS",
            "setup.py",
            ".hidden.csv",
            "images/.DS_Store",
            "images/Thumbs.db",
            "images/more/b.png",
            "images/notes.txt",
            "Annotations/._a.json",
            "__MACOSX/images/a.png",
        )
    )
    assert plan.wrapper == ""
    assert list(plan.files) == ["images/a.png", "dataset.csv", "cases.csv", "README.md"]
    assert {reason: ["/".join(member) for member in members] for reason, members in plan.left_out.items()} == {
        UNKNOWN: ["download.json", "SHA256SUMS", "setup.py", ".hidden.csv", "images/more/b.png", "images/notes.txt"],
        SYSTEM_FILE: ["images/.DS_Store", "images/Thumbs.db", "Annotations/._a.json", "__MACOSX/images/a.png"],
    }
    assert "6 left out, file without a place in the layout: download.json and others" in plan.put_right()


def test_what_lies_outside_the_wrapper_is_left_out() -> None:
    plan = plan_layout(parts("a/b/images/x.jpg", "a/b/dataset.csv", "a/licence.txt", "cases.csv"))
    assert list(plan.files) == ["images/x.jpg", "dataset.csv"]
    assert plan.left_out == {OUTSIDE: [("a", "licence.txt"), ("cases.csv",)]}
    assert plan.put_right()[0] == "taken out of the folder a/b/"


def test_a_file_named_as_the_wrapper_is_left_out() -> None:
    plan = plan_layout(parts("BTXRD", "BTXRD/images/a.jpg", "BTXRD/images", "BTXRD/dataset.csv"))
    assert list(plan.files) == ["images/a.jpg", "dataset.csv"]
    assert plan.left_out == {UNKNOWN: [("BTXRD",), ("BTXRD", "images")]}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("readme.txt",), "holds no folder images/"),
        (("images/readme.txt", "dataset.csv"), "holds no folder images/"),
        (("__MACOSX/images/a.jpg", "dataset.csv"), "holds no folder images/"),
        (("images/a.jpg",), "neither dataset.xlsx nor dataset.csv"),
        (("images/a.jpg", "other/dataset.csv"), "neither dataset.xlsx nor dataset.csv"),
        (("one/images/a.jpg", "two/images/a.jpg", "one/dataset.csv"), r"more than one data set \(one/images and two"),
    ],
)
def test_what_is_no_data_set_is_said(names: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        plan_layout(parts(*names))


def test_the_table_is_written_from_the_workbook(small_set: Any, tmp_path: Path) -> None:
    (tmp_path / "dataset.xlsx").write_bytes(small_set.entries["BTXRD/dataset.xlsx"])
    assert complete_metadata(tmp_path)[0] == "dataset.csv written from dataset.xlsx"
    sheet = openpyxl.load_workbook(tmp_path / "dataset.xlsx").active
    expected = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    with (tmp_path / "dataset.csv").open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == expected
    assert expected[0] == list(COLUMN_NAMES)


def test_a_table_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    text = "image_id,label,ward\na.png,yes,3\n"
    (tmp_path / "dataset.csv").write_text(text)
    complete_metadata(tmp_path)
    assert (tmp_path / "dataset.csv").read_text() == text


def test_a_workbook_of_other_data_keeps_its_labels_and_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"image_id": ["a.png", "b.png"], "label": ["yes", "no"], "age": [4.5, None], "ward": [3, 4]})
    table.to_excel(tmp_path / "dataset.xlsx", index=False)
    complete_metadata(tmp_path)
    written = pd.read_csv(tmp_path / "dataset.csv", dtype=str, keep_default_na=False)
    assert written.set_index("image_id").sort_index(axis=1).to_dict("index") == {
        "a.png": {"age": "4.5", "label": "yes", "ward": "3"},
        "b.png": {"age": "", "label": "no", "ward": "4"},
    }


@pytest.mark.real_data
def test_the_table_of_the_release(btxrd256: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset.xlsx").write_bytes((btxrd256 / "dataset.xlsx").read_bytes())
    complete_metadata(tmp_path)
    written, released = (pd.read_csv(root / "dataset.csv", dtype=str) for root in (tmp_path, btxrd256))
    pd.testing.assert_frame_equal(written, released)
