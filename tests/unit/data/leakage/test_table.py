from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from osteolens.data.leakage.table import read_split_table
from osteolens.errors import DataError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a readable CSV"),
        (b"\n\n", "not a readable CSV"),
        (b"image_id,split\n", "is empty"),
        (b"image_id,split\n,train\n", r"1 row\(s\) without an image_id"),
        (b"image_id;split\na;train\n", r"lacks the column.* image_id, split; its heading has image_id;split.*commas"),
        (b"image_id,split\na,train,x\n", "more cells than the heading"),
        ("image_id,split\nfracture é,train\n".encode("latin-1"), "not UTF-8 text. Save it again"),
        ("image_id,split\na,train\n".encode("utf-16"), "not UTF-8 text"),
        (b'image_id,split\n"a,train\n', "not a readable CSV"),
        (b"image_id,split\na,train\na,test\nb,test\n", "1 image.* a in 'train' and a in 'test'; 1 of them in several"),
        (b"image_id,split\na.png,test\n./a.jpg,test\nb,train\n", "a.png in 'test' and ./a.jpg in 'test'. Keep one"),
        (b"image_id,split\nf/a,test\nf\\a.png,test\nb,train\n", "1 image.* more than once"),
        (b"image_id,split\na,Train\n", "'Train'; use train, val and test"),
        (b"image_id,split\na,test\nb,val\n", "no train part"),
    ],
)
def test_a_hostile_table_is_refused_with_a_reason(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_split_table(path)


@pytest.mark.parametrize("name", ["split.xls", "split.csv"])
def test_a_workbook_under_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    workbook = tmp_path / "book.xlsx"
    pd.DataFrame({"image_id": ["a"], "split": ["train"]}).to_excel(workbook, index=False)
    with pytest.raises(DataError, match=r"is an Excel workbook\. Save it as .xlsx, or the sheet as CSV"):
        read_split_table(workbook.rename(tmp_path / name))


def test_a_workbook_is_read_and_checked_as_a_csv_is(tmp_path: Path) -> None:
    workbook = tmp_path / "split.xlsx"
    pd.DataFrame({"Image_ID": ["a ", 7], "Split": ["train", " test"]}).to_excel(workbook, index=False)
    assert read_split_table(workbook).to_numpy().tolist() == [["a", "train"], ["7", "test"]]
    pd.DataFrame({"image_id": ["a", "a"], "split": ["train", "test"]}).to_excel(workbook, index=False)
    with pytest.raises(DataError, match="a in 'train' and a in 'test'"):
        read_split_table(workbook)


def test_two_columns_of_one_meaning_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("image_id,split,Split\na,train,test\n", encoding="utf-8")
    with pytest.raises(DataError, match="more than one column split"):
        read_split_table(path)


def test_a_folder_is_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable CSV"):
        read_split_table(tmp_path)


def test_images_of_one_name_in_two_folders_are_two_images(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("image_id,split,extra\np1/view1.png,train,x\np2/view1.png,test,\n", encoding="utf-8-sig")
    table = read_split_table(path)
    assert table["image_id"].tolist() == ["p1/view1.png", "p2/view1.png"]
