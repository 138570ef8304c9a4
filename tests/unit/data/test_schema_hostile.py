"""Metadata as spreadsheets and people damage it: one table of all violations, or a right reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from osteolens.data.columns import COLUMN_NAMES
from osteolens.data.schema import MetadataError, read_metadata
from osteolens.errors import DataError

NORMAL = {"center": 1, "age": 30, "gender": "M", "lower limb": 1, "frontal": 1}
BENIGN = NORMAL | {"tumor": 1, "benign": 1, "femur": 1, "osteochondroma": 1}


def cells(image_id: str, **values: Any) -> list[Any]:
    """One row of the release; keys with spaces are given as a dict."""
    row = dict.fromkeys(COLUMN_NAMES, 0) | NORMAL | values | {"image_id": image_id}
    return [row[name] for name in COLUMN_NAMES]


def workbook(folder: Path, *rows: list[Any], merge: str | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if merge is not None:
        book.worksheets[0].merge_cells(merge)
    path = folder / "dataset.xlsx"
    book.save(path)
    return path


def told(error: MetadataError) -> set[tuple[int, str, str, str]]:
    return {(row.row, row.column, row.value, row.severity) for row in error.violations.itertuples()}


def test_a_table_with_everything_wrong_is_told_in_one_table(tmp_path: Path) -> None:
    """A column missing, one too many, a repeated id, both flags, a strange center, a formula, a bad age."""
    names = [name for name in COLUMN_NAMES if name != "fibula"]
    rows = [
        {"image_id": "a.jpeg"} | BENIGN | {"malignant": 1},
        {"image_id": "b.jpeg"} | NORMAL | {"center": 9},
        {"image_id": "b.jpg"} | NORMAL | {"age": "old"},
        {"image_id": "c.jpeg"} | NORMAL | {"hand": "=B2", "tumor": 0.5},
        {"image_id": "d.jpeg"} | NORMAL | {"foot": "#REF!"},
    ]
    table = [[row.get(name, 0) for name in names] + ["kept"] for row in rows]
    path = workbook(tmp_path, [*names, "ward"], *table)
    with pytest.raises(MetadataError, match=r"has 5 error\(s\)") as caught:
        read_metadata(path)
    assert told(caught.value) == {
        (1, "fibula", "", "warning"),
        (1, "ward", "ward", "warning"),
        (2, "malignant", "1", "error"),
        (3, "center", "9", "warning"),
        (4, "image_id", "b.jpg", "error"),
        (4, "age", "old", "warning"),
        (5, "hand", "=B2", "error"),
        (5, "tumor", "0.5", "error"),
        (6, "foot", "#REF!", "error"),
    }


def test_missing_needed_columns_do_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("picture,age,class\na.png,400,\nb.png,20,x\n", encoding="utf-8")
    with pytest.raises(MetadataError) as caught:
        read_metadata(path)
    assert told(caught.value) == {
        (1, "image_id", "picture, age, label", "error"),
        (2, "label", "", "error"),
        (2, "age", "400", "warning"),
    }


def test_merged_cells_are_named(tmp_path: Path) -> None:
    path = workbook(tmp_path, list(COLUMN_NAMES), cells("a.jpeg"), cells("b.jpeg"), merge="C2:C3")
    with pytest.raises(MetadataError, match=r"row 2: the cells C2:C3 are merged") as caught:
        read_metadata(path)
    assert (2, "", "C2:C3", "error") in told(caught.value)


def test_empty_rows_and_columns_are_skipped_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    """A row that an annotator left empty must not move the numbers of those below it."""
    blank: list[Any] = [None] * 37
    path = workbook(tmp_path, blank, list(COLUMN_NAMES), cells("a.jpeg"), blank, cells("b.jpeg", age=200), blank)
    metadata = read_metadata(path)
    assert metadata.frame["image_id"].tolist() == ["a.jpeg", "b.jpeg"]
    assert 5 in metadata.violations["row"].tolist()
    text = "image_id,label,,age\n\na.png,x,,5\n,,,\nb.png,x,,-1\n"
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    metadata = read_metadata(tmp_path / "own.csv")
    assert [(row.row, row.column) for row in metadata.violations.itertuples()] == [(5, "age")]


def test_whole_numbers_may_be_stored_as_floats(tmp_path: Path) -> None:
    floats = [float(cell) if isinstance(cell, int) else cell for cell in cells("a.jpeg", age=41)]
    frame = read_metadata(workbook(tmp_path, list(COLUMN_NAMES), floats)).frame
    assert (frame.loc[0, "center"], frame.loc[0, "age"], frame.loc[0, "frontal"]) == ("1", 41, 1)
    text = ",".join(COLUMN_NAMES) + "\n" + ",".join(map(str, floats)) + "\n"
    (tmp_path / "dataset.csv").write_text(text, encoding="utf-8")
    assert read_metadata(tmp_path / "dataset.csv").frame.equals(frame)


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_separators_and_marks_of_encoding_are_read(
    tmp_path: Path, separator: str, name: str, encoding: str
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"image_id{separator}label\r\nä.png{separator}x, y\r\n", encoding=encoding)
    metadata = read_metadata(path)
    assert metadata.frame.to_numpy().tolist() == [["ä.png", "x, y"]]
    (violation,) = metadata.violations.itertuples()
    assert (violation.row, violation.value, violation.severity) == (1, separator, "warning")
    assert f"separated by {name}" in violation.message


def test_cells_of_another_encoding_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("image_id,label\nä.png,x\nb.png,fraktür\nc.png,y\n".encode("latin-1"))
    with pytest.raises(MetadataError, match=r"2 error.*\n.*UTF-8") as caught:
        read_metadata(path)
    assert {(row, column) for row, column, *_ in told(caught.value)} == {(2, "image_id"), (3, "label")}


def test_rows_of_another_length_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("image_id,label,age\na.png,x\nb.png,x,3,,\nc.png,x,3,4\n", encoding="utf-8")
    with pytest.raises(MetadataError) as caught:
        read_metadata(path)
    assert told(caught.value) == {(2, "", "2 against 3", "warning"), (4, "", "4 against 3", "error")}


def test_a_column_without_a_heading_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("image_id,,label\na.png,note,x\n", encoding="utf-8")
    metadata = read_metadata(path)
    assert list(metadata.frame) == ["image_id", "label"]
    assert metadata.violations["message"].tolist() == ["column 2 has cells but no heading; it is left out."]


def test_a_cell_in_the_last_corner_of_a_sheet_is_refused_at_once(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["image_id", "label"])
    book.worksheets[0]["XFD1048576"] = 1
    book.save(tmp_path / "dataset.xlsx")
    with pytest.raises(DataError, match="row 1,048,576 and column 16,384"):
        read_metadata(tmp_path / "dataset.xlsx")


def test_an_array_formula_does_not_pass_for_a_value(tmp_path: Path) -> None:
    from openpyxl.worksheet.formula import ArrayFormula

    row = cells("a.jpeg")
    row[4] = ArrayFormula("E2:E2", "=SUM(F2:G2)")
    with pytest.raises(MetadataError, match=r"column hand: '=SUM\(F2:G2\)' is a formula"):
        read_metadata(workbook(tmp_path, list(COLUMN_NAMES), row))
