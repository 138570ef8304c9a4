from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from osteolens.data.cases import builtin_cases, builtin_original_hashes, builtin_published_split, is_btxrd, load_cases
from osteolens.errors import DataError


def test_the_built_in_case_table_is_that_of_btxrd() -> None:
    cases = builtin_cases()
    assert len(cases) == cases["image_id"].nunique() == 3746
    assert cases["case_id"].nunique() == 1403


def test_the_published_split_is_that_of_the_paper() -> None:
    split = builtin_published_split()
    assert split["split"].value_counts().to_dict() == {"train": 2995, "val": 751}
    assert split["label"].value_counts().to_dict() == {"Normal": 1879, "Benign": 1525, "Malignant": 342}


def test_the_hospitals_have_the_tumours_they_are_known_to_have() -> None:
    table = builtin_cases().merge(builtin_published_split(), on="image_id")
    counts = table.groupby(["source", "label"]).size()
    expected = {"hospital_b": (547, 36), "hospital_y": (508, 26), "hospital_g": (55, 173)}
    for source, (benign, malignant) in expected.items():
        assert (counts[source, "Benign"], counts[source, "Malignant"]) == (benign, malignant)


def test_the_release_holds_21_pairs_of_identical_files() -> None:
    hashes = builtin_original_hashes()
    pairs = hashes.groupby(hashes).groups.values()
    doubled = [tuple(pair) for pair in pairs if len(pair) > 1]
    assert len(doubled) == 21
    assert {len(pair) for pair in doubled} == {2}
    assert ("IMG000591", "IMG003456") in doubled
    assert ("IMG000707", "IMG003346") in doubled
    assert hashes.str.fullmatch("[0-9a-f]{64}").all()


def test_images_are_joined_by_stem_in_the_order_asked_for() -> None:
    asked = pd.Series(["IMG000002.jpg", "stranger.png", "IMG000001"], index=[5, 3, 9])
    result = load_cases(asked)
    assert result.index.tolist() == [5, 3, 9]
    assert result["case_id"].tolist() == ["case0002", "stranger", "case0001"]
    assert result["source"].tolist() == ["hospital_b", "", "hospital_b"]


def test_btxrd_is_known_by_its_labels_and_not_by_its_names() -> None:
    release = dict(zip(builtin_published_split()["image_id"], builtin_published_split()["label"], strict=True))
    part = {name.replace(".jpeg", ".png"): label for name, label in list(release.items())[::50]}
    assert is_btxrd(release)
    assert is_btxrd(part)
    one_wrong = {**part, next(iter(part)): "another"}
    assert is_btxrd(one_wrong)  # a corrected label or two do not make another data set
    assert not is_btxrd(dict.fromkeys(release, "Normal"))
    assert not is_btxrd({"stranger.png": "Normal"})
    assert not is_btxrd({})


def write_cases(root: Path, text: str, name: str = "cases.csv") -> None:
    (root / name).write_text(text)


def test_a_table_in_the_data_root_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    asked = pd.Series(["IMG000001.png", "b.png"])
    assert load_cases(asked, tmp_path)["case_id"].tolist() == ["case0001", "b"]
    write_cases(tmp_path, "image_id,case_id\nIMG000001.jpeg,p1\nb,p1\n")
    result = load_cases(asked, tmp_path)
    assert result["case_id"].tolist() == ["p1", "p1"]
    assert result["source"].tolist() == ["", ""]
    write_cases(tmp_path, "image_id,case_id,source\nb,p7,here\n", "other.csv")
    result = load_cases(asked, tmp_path, "other.csv")
    assert result["case_id"].tolist() == ["IMG000001", "p7"]
    assert result["source"].tolist() == ["", "here"]


def test_images_without_a_case_are_not_thrown_together(tmp_path: Path) -> None:
    write_cases(tmp_path, "image_id,case_id,source\na,,here\nb,,here\nc,p1,\n")
    result = load_cases(pd.Series(["a.png", "b.png", "c.png"]), tmp_path)
    assert result["case_id"].tolist() == ["a", "b", "p1"]
    assert result["source"].tolist() == ["here", "here", ""]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image_id,case_id\na.jpg,p1\na.png,p2\n", "lists 1 image"),
        ("image_id,group\na,p1\n", "lacks the column.* case_id"),
        ("", "not a readable CSV"),
        ("image_id,case_id\nview a.jpg,p1\n", r"lists none of the 1 image\(s\): it lists view a\.jpg, .* called a\."),
        ("image_id,case_id\n", r"lists none of the 1 image\(s\): it lists no image at all"),
    ],
)
def test_a_case_table_that_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    write_cases(tmp_path, text)
    with pytest.raises(DataError, match=words):
        load_cases(pd.Series(["a.jpg"]), tmp_path)


def test_a_named_table_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.csv does not exist"):
        load_cases(pd.Series(["a.jpg"]), tmp_path, "mine.csv")


def test_images_that_the_table_does_not_list_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_cases(tmp_path, "image_id,case_id\na,p1\nz,p1\n")
    with caplog.at_level("WARNING", "osteolens"):
        result = load_cases(pd.Series(["a.png", "b.png", "c.png"]), tmp_path)
    assert result["case_id"].tolist() == ["p1", "b", "c"]
    assert "does not list 2 of 3 images, for example b" in caplog.text
    caplog.clear()
    load_cases(pd.Series(["a.png"]), tmp_path)
    assert caplog.text == ""
