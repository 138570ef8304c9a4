from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osteolens.data.cases import builtin_original_hashes, builtin_published_split
from osteolens.data.leakage import leakcheck
from osteolens.errors import DataError
from osteolens.storage import write_table


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def to_file(text: str) -> Path:
        path = tmp_path / "manifest.csv"
        path.write_text(text)
        return path

    return to_file


BY_HAND = """image_id,split,label,case_id,patient
a,train,Normal,c1,p1
b,train,Benign,c2,p2
c,train,Malignant,c3,p3
d,val,Normal,c4,p1
e,val,Benign,c2,p4
f,val,Benign,c5,p5
g,test,Normal,c1,p6
h,test,Benign,c6,p7
i,test,Malignant,c3,p8
j,test,Malignant,c3,p9
k,test,Malignant,c7,p3
"""


def share(n: int, shared: int, **kinds: int) -> dict[str, Any]:
    """Where no other kind is at work, the images that leak are those that share a case."""
    fraction = shared / n
    return {
        "n": n,
        "shared": shared,
        "shared_fraction": fraction,
        **kinds,
        "leaking": shared,
        "leaking_fraction": fraction,
    }


def test_shares_worked_out_by_hand(write: Any) -> None:
    result = leakcheck(write(BY_HAND))
    assert result["train_images"] == 3
    val, test = result["evaluation"]["val"], result["evaluation"]["test"]
    assert val["overall"] == share(3, 1)
    assert val["per_class"]["Normal"] == share(1, 0)
    assert val["per_class"]["Benign"] == share(2, 1)
    assert "Malignant" not in val["per_class"]
    assert val["tumours"] == share(2, 1)
    assert test["overall"] == share(5, 3)
    assert test["per_class"]["Malignant"] == share(3, 2)
    assert test["tumours"] == share(4, 2)
    assert result["passed"] is False
    assert result["sentence"] == (
        "50.0% of the val tumour images (1 of 2) have another image of the same case in train. "
        "50.0% of the test tumour images (2 of 4) have another image of the same case in train."
    )


def test_another_group_column_gives_other_shares(write: Any) -> None:
    result = leakcheck(write(BY_HAND), group_column="patient")
    assert result["evaluation"]["val"]["overall"]["shared"] == 1  # d
    assert result["evaluation"]["test"]["overall"]["shared"] == 1  # k
    with pytest.raises(DataError, match="has no column person; it has image_id, split"):
        leakcheck(write(BY_HAND), group_column="person")


@pytest.mark.parametrize(("limit", "passed"), [(0.0, False), (0.59, False), (0.6, True), (1.0, True)])
def test_the_limit_is_the_largest_share_allowed_in_any_part(write: Any, limit: float, passed: bool) -> None:
    result = leakcheck(write(BY_HAND), limit=limit)
    assert result["passed"] is passed
    assert result["limit"] == limit


def test_a_clean_split_passes_and_says_so(write: Any) -> None:
    result = leakcheck(write("image_id,split,case_id\na,train,1\nb,train,1\nc,val,2\nd,test,3\n"))
    assert result["passed"] is True
    assert result["sentence"] == (
        "No val image has another image of the same case in train. "
        "No test image has another image of the same case in train."
    )
    assert result["evaluation"]["test"]["per_class"] == {"unlabelled": share(1, 0)}
    assert "tumours" not in result["evaluation"]["test"]


def test_without_a_part_to_report_on_nothing_is_passed(write: Any) -> None:
    result = leakcheck(write("image_id,split,case_id\na,train,1\n"))
    assert result["passed"] is False
    assert "nothing to check" in result["sentence"]


def test_btxrd_images_are_looked_up_under_any_suffix(write: Any) -> None:
    # IMG000001 and IMG000002 are cases of their own; which images share a case is looked up in the case table
    result = leakcheck(write("image_id,split\nIMG000001,train\nIMG000002.png,val\n"))
    assert result["evaluation"]["val"]["overall"] == share(1, 0, duplicated=0)
    assert result["passed"] is True


def test_a_copy_of_a_train_image_is_leakage_whatever_its_case(write: Any) -> None:
    hashes = builtin_original_hashes()
    assert hashes["IMG000591"] == hashes["IMG003456"]
    result = leakcheck(write("image_id,split,label\nIMG000591,train,Benign\nIMG003456,test,Normal\n"))
    assert result["evaluation"]["test"]["overall"]["duplicated"] == 1
    assert result["passed"] is False
    assert "1 test image(s) are byte-identical to a train image." in result["sentence"]


def test_copies_are_looked_up_for_a_table_with_cases_of_its_own(write: Any) -> None:
    text = "image_id,split,label,case_id\nIMG000591,train,Benign,a\nIMG003456,test,Normal,b\n"
    result = leakcheck(write(text))
    assert result["evaluation"]["test"]["overall"]["duplicated"] == 1
    assert result["passed"] is False


@pytest.mark.parametrize(
    "text",
    [
        "image_id,split,label,case_id\nIMG000591,train,Malignant,a\nIMG003456,test,Malignant,b\n",  # a phantom's names
        "image_id,split,case_id\nIMG000591,train,a\nIMG003456,test,b\n",  # names alone are no proof
        "image_id,split,case_id\nx/IMG000591,train,a\ny/IMG000591,test,b\n",
    ],
)
def test_copies_are_not_looked_up_for_other_data_under_the_same_names(write: Any, text: str) -> None:
    result = leakcheck(write(text))
    assert "duplicated" not in result["evaluation"]["test"]["overall"]
    assert result["passed"] is True


def test_labels_of_other_words_are_no_contradiction(write: Any) -> None:
    result = leakcheck(write("image_id,split,label\nIMG000591,train,tumour\nIMG003456,test,none\n"))
    assert result["evaluation"]["test"]["per_class"]["none"]["duplicated"] == 1


def test_another_data_set_in_folders_is_checked_by_its_own_column(write: Any) -> None:
    result = leakcheck(
        write("image_id,split,patient\np1/v.png,train,1\np2/v.png,test,2\np1/w.png,test,1\n"), group_column="patient"
    )
    assert result["evaluation"]["test"]["overall"] == share(2, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image_id,split\nx1,train\nx2,test\n", r"2 image.* not in BTXRD, for example x1.*--group-column"),
        ("image_id,split\nIMG000001,train\nIMG000001.jpg,test\n", "more than once"),
        (
            "image_id,split\na/IMG000001,train\nb/IMG000001,test\n",
            "differ only by their folder, such as a/IMG000001 and b/",
        ),
        (
            "image_id,split,label\nIMG000001,train,Normal\nIMG000002,test,Normal\n",  # both are Malignant
            "labels are others, so BTXRD's cases are not theirs.*--group-column",
        ),
        ("image_id,split,case_id\na,val,1\nb,test,2\n", "no train part"),
        ("image_id,split,case_id\na,train,1\nb,holdout,2\n", "'holdout'; use train, val and test"),
        ("image_id,split,case_id\na,train,1\nb,test,\nc,test,\n", "column case_id .* has 2 empty cell"),
        ("image_id,fold\na,train\n", r"lacks the column.* split"),
        ("name,split\na,train\n", r"lacks the column.* image_id"),
        ("image_id,split,case_id\n", "is empty"),
        ("", "not a readable CSV"),
    ],
)
def test_a_table_that_cannot_be_checked_is_told(write: Any, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        leakcheck(write(text))


def percent(share: dict[str, Any]) -> str:
    return f"{share['shared_fraction']:.1%}"


def test_the_published_split_leaks_as_much_as_is_known(tmp_path: Path) -> None:
    result = leakcheck(write_table(tmp_path / "published.csv", builtin_published_split()))
    val = result["evaluation"]["val"]
    assert (result["train_images"], val["overall"]["n"]) == (2995, 751)
    assert [percent(val["per_class"][name]) for name in ("Benign", "Malignant")] == ["66.5%", "75.0%"]
    assert percent(val["tumours"]) == "67.9%"
    assert val["overall"]["duplicated"] == 7
    assert result["passed"] is False


@pytest.mark.real_data
def test_the_baseline_splits_leak_as_much_as_is_known(btxrd256: Path) -> None:
    result = leakcheck(btxrd256 / "reference" / "baseline_stratified_split.csv")
    parts = result["evaluation"]
    assert (result["train_images"], parts["val"]["overall"]["n"], parts["test"]["overall"]["n"]) == (2621, 561, 564)
    assert [percent(parts["test"]["per_class"][name]) for name in ("Benign", "Malignant")] == ["58.9%", "68.6%"]
    assert percent(parts["test"]["tumours"]) == "60.6%"
    result = leakcheck(btxrd256 / "reference" / "baseline_center_split.csv")
    parts = result["evaluation"]
    assert (result["train_images"], parts["val"]["overall"]["n"], parts["test"]["overall"]["n"]) == (2499, 439, 808)
    assert parts["test"]["overall"]["shared"] == 0
    result = leakcheck(btxrd256 / "reference" / "published_split.csv")
    assert percent(result["evaluation"]["val"]["tumours"]) == "67.9%"


@pytest.mark.parametrize("cell", ["1 ", " 1", "1\t"])
def test_blanks_around_a_patient_do_not_hide_him(write: Any, cell: str) -> None:
    path = write(f"Image_ID, Split ,patient\na.png,train,1\nb.png,test ,{cell}\nc.png,test,2\n")
    result = leakcheck(path, group_column="patient")
    assert result["evaluation"]["test"]["overall"] == share(2, 1)


def test_blank_patients_are_refused_not_joined(write: Any) -> None:
    with pytest.raises(DataError, match="2 empty cell"):
        leakcheck(write("image_id,split,patient\na.png,train, \nb.png,test, \n"), group_column="patient")


def test_the_sentence_tells_the_leak_also_where_no_tumour_leaks(write: Any) -> None:
    head = "image_id,split,patient,label\n"
    result = leakcheck(write(f"{head}a,train,1,Normal\nb,test,1,Normal\nc,test,2,Benign\n"), group_column="patient")
    assert result["evaluation"]["test"]["tumours"] == share(1, 0)
    assert result["sentence"].startswith("50.0% of the test images (1 of 2) have another image of the same case")


def test_classes_of_other_data_are_not_called_tumours(write: Any) -> None:
    head = "image_id,split,patient,label\n"
    path = write(f"{head}a,train,1,Normal\nb,test,1,Normal\nc,test,1,Fractured\nd,test,2,\n")
    result = leakcheck(path, group_column="patient")
    assert set(result["evaluation"]["test"]) == {"overall", "per_class"}
    assert set(result["evaluation"]["test"]["per_class"]) == {"Normal", "Fractured", "unlabelled"}
    assert "66.7% of the test images (2 of 3)" in result["sentence"]


def test_two_columns_of_one_name_are_refused(write: Any) -> None:
    with pytest.raises(DataError, match="more than one column patient"):
        leakcheck(write("image_id,split,patient,patient\na,train,1,5\nb,test,2,5\n"), group_column="patient")
