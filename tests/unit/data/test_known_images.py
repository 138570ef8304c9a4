"""Tables of images without the images: how they are read, joined, and given cases."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from osteolens.config import DataOptions
from osteolens.data.cases import builtin_cases, builtin_published_split
from osteolens.data.known_images import facts_of, first_known, keyed, read_labels, with_cases
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError

OPTIONS = DataOptions(root=Path("no/such/root"))


def labels_of(path: Path, text: str, options: DataOptions = OPTIONS) -> dict[str, list[str]]:
    path.write_text(text, encoding="utf-8")
    return {str(name): column.tolist() for name, column in read_labels(path, options).items()}


def test_labels_need_no_image_and_no_more_than_two_columns(tmp_path: Path) -> None:
    assert labels_of(tmp_path / "l.csv", "image;Class\na.png;x\np1/b.png;y\n") == {
        "image_id": ["a.png", "p1_b.png"],
        "label": ["x", "y"],
    }


def test_all_that_is_said_of_an_image_is_read(tmp_path: Path) -> None:
    text = "image_id,label,case_id,Centre,source,age,sex,view,Split,weight\na,x,c1,2.0,here,48.0,male,AP,Train,7\n"
    assert labels_of(tmp_path / "l.csv", text) == {
        "image_id": ["a"],
        "label": ["x"],
        "case_id": ["c1"],
        "center": ["2"],
        "source": ["here"],
        "age": ["48"],
        "gender": ["M"],
        "view": ["AP"],
        "split": ["Train"],
    }


def test_columns_and_values_of_ones_own_are_read_as_a_data_root_is(tmp_path: Path) -> None:
    options = DataOptions(columns={"image_id": "film", "label": "result"}, label_values={"0": "Normal", "1": "Broken"})
    assert labels_of(tmp_path / "l.csv", "film,result\na,1\nb,0\n", options) == {
        "image_id": ["a", "b"],
        "label": ["Broken", "Normal"],
    }


def test_the_flags_of_btxrd_become_labels_and_subgroups(phantom_root: Path) -> None:
    of_csv, of_excel = (read_labels(phantom_root / f"dataset.{kind}", OPTIONS) for kind in ("csv", "xlsx"))
    assert of_csv.equals(of_excel)
    data = load_radiographs(DataOptions(root=phantom_root))
    assert of_csv["label"].tolist() == data.frame["label"].tolist()
    assert of_csv.loc[data.frame["frontal"] == 1, "view"].str.contains("frontal").all()
    assert "case_id" not in of_csv


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image_id,label\na,x\na,y\n", "already in row 2"),
        ("image_id,label\na,\n", "the image has no label"),
        ("image_id,benign,malignant\na,1,1\n", "both benign and malignant"),
        ("image_id,truth\na,x\n", "nor a column label; name yours in data.columns"),
        ("image_id,label,split,Split\na,x,train,test\n", "more than one column split"),
        ("", "is empty"),
    ],
)
def test_doubtful_labels_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        labels_of(tmp_path / "l.csv", text)


def test_a_data_set_says_what_it_knows(phantom_root: Path) -> None:
    data = load_radiographs(DataOptions(root=phantom_root))
    facts = facts_of(data)
    assert facts["case_id"].tolist() == data.frame["case_id"].tolist()
    has_lesion = data.frame["label"] != "Normal"
    assert (facts.loc[~has_lesion, "lesion_area"] == "").all()
    assert facts.loc[has_lesion, "lesion_area"].astype(float).between(0, 1, inclusive="neither").all()


def test_images_are_matched_by_the_longest_end_of_their_path_without_suffix() -> None:
    known = {"p1_a", "a", "b"}
    table = pd.DataFrame({"image_id": ["images/p1/a.PNG", "x/a.jpg", r"c:\films\b.tif", "new/c.png"]})
    assert keyed(table, known, "it").index.tolist() == ["p1_a", "a", "b", "new_c"]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["one/a.png", "two/a.jpeg"], r"it names 1 image\(s\) more than once, for example one/a.png and two/a.jpeg"),
        (["a", ""], r"it has 1 row\(s\) without the name of an image"),
    ],
)
def test_rows_of_no_image_or_of_one_twice_are_refused_by_name(ids: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        keyed(pd.DataFrame({"image_id": ids}), {"a"}, "it")


def test_the_first_table_that_says_anything_counts() -> None:
    first = pd.DataFrame({"label": ["x", ""], "case_id": ["c1", "c2"], "other": ["1", "2"]}, index=["b", "a"])
    second = pd.DataFrame({"age": ["7", ""], "label": ["y", "z"]}, index=["a", "c"])
    assert first_known([first, second]).to_dict("index") == {
        "b": {"label": "x", "case_id": "c1", "age": ""},
        "a": {"label": "y", "case_id": "c2", "age": "7"},
        "c": {"label": "z", "case_id": "", "age": ""},
    }


def test_images_of_btxrd_have_cases_and_others_of_the_same_names_have_not() -> None:
    release = builtin_published_split().head(40)
    stems = release["image_id"].str.removesuffix(".jpeg")
    images = pd.DataFrame({"label": release["label"].to_numpy()}, index=stems.to_list())
    of_release = builtin_cases().set_index("image_id").loc[release["image_id"]]
    found, is_known = with_cases(images)
    assert is_known.all()
    assert found["case_id"].tolist() == of_release["case_id"].tolist()
    assert found["source"].tolist() == of_release["source"].tolist()
    others, is_known = with_cases(images.assign(label="Broken", case_id=["p1", *[""] * 39]))
    assert is_known.tolist() == [True, *[False] * 39]
    assert others["case_id"].tolist() == ["p1", *images.index[1:]]
    assert set(others["source"]) == {""}
