"""Spellings of headings, and numbers that are no probabilities. Expected values are written out."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.foreign_table import (
    IMAGE_SPELLINGS,
    PART_SPELLINGS,
    class_columns,
    fact_columns,
    image_column,
    known_classes,
    read_parts,
    read_probabilities,
)

CLASSES = ("Normal", "Benign", "Malignant")
COLUMNS = {"Normal": "p_n", "Benign": "p_b"}


def classes_of(*headings: str, labels: tuple[str, ...] = CLASSES) -> dict[str, str]:
    return class_columns(["image", *headings], known_classes(CLASSES, labels), labels)


def cells(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["p_n", "p_b"], index=list("abcdefgh")[: len(rows)], dtype=str)


@pytest.mark.parametrize("spelling", IMAGE_SPELLINGS)
def test_every_spelling_of_the_image_is_known_in_any_case(spelling: str) -> None:
    for heading in (spelling, spelling.upper(), spelling.replace(" ", "_"), spelling.title().replace(" ", "-")):
        assert image_column(["p", heading]) == heading


def test_image_id_counts_before_other_spellings() -> None:
    assert image_column(["id", "path", "Image ID", "name"]) == "Image ID"


@pytest.mark.parametrize(
    ("headings", "told"),
    [
        (["p_a", "p_b"], "no column names the image: there are p_a, p_b"),
        (["id", "filename"], "the columns filename and id could each name the image"),
        (["File Name", "file_name"], "the columns File Name and file_name are spelled alike"),
        (["id", "id"], "the columns id and id are spelled alike"),
    ],
)
def test_an_unclear_image_column_is_refused_by_name(headings: list[str], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        image_column(headings)


@pytest.mark.parametrize("prefix", ["prob_", "PROB ", "Probability_", "p_", "P-", "score_", "Score ", "pred_", ""])
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_every_spelling_of_the_classes_is_known_in_any_order(prefix: str, change: type[str]) -> None:
    headings = [prefix + change(name) for name in ("malignant", "normal", "benign")]
    found = classes_of(*headings)
    assert list(found.items()) == [("Normal", headings[1]), ("Benign", headings[2]), ("Malignant", headings[0])]


def test_classes_that_no_configuration_names_come_from_the_labels_and_the_prefix() -> None:
    labels = ("giant cell tumor", "Ewing")
    known = known_classes(CLASSES, labels)
    found = class_columns(["file", "Prob_Other", "prob_ewing", "prob_giant_cell_tumor"], known, labels)
    assert list(found.items()) == [
        ("Other", "Prob_Other"),
        ("Ewing", "prob_ewing"),
        ("giant cell tumor", "prob_giant_cell_tumor"),
    ]


def test_a_label_is_the_configured_class_whatever_its_case() -> None:
    assert known_classes(CLASSES, ["malignant", "BENIGN"]) == {
        "normal": "Normal",
        "benign": "Benign",
        "malignant": "Malignant",
    }


def test_flags_of_the_truth_beside_probabilities_are_no_second_set() -> None:
    found = classes_of("prob_Normal", "prob_Benign", "prob_Malignant", "benign", "malignant")
    assert list(found.values()) == ["prob_Normal", "prob_Benign", "prob_Malignant"]


@pytest.mark.parametrize(
    ("headings", "labels", "told"),
    [
        (("p_normal", "p_benign"), CLASSES, "there is no probability of Malignant; found p_normal, p_benign"),
        (
            ("p_normal", "score_benign", "pred_malignant"),
            CLASSES,
            "no probability of Benign, Malignant; found p_normal",
        ),
        (("p_malignant",), ("Benign", "Malignant"), "with two classes and one output it is 1 - p_malignant"),
        (("p_benign",), ("Benign",), "there is no probability of a second class; found p_benign"),
        (("Predicted",), CLASSES, "Predicted holds the answers alone. Probabilities are needed.*prob_Benign"),
        (("y_pred", "age"), CLASSES, "y_pred holds the answers alone"),
        (("age", "sex"), CLASSES, "no column holds probabilities: there are image, age, sex. Save prob_Benign"),
        (
            ("p_normal", "p_benign", "p_malignant", "Normal", "Benign", "Malignant"),
            CLASSES,
            "could be in p_normal, p_benign, p_malignant or in Normal, Benign, Malignant",
        ),
    ],
)
def test_classes_without_a_clear_column_are_refused(
    headings: tuple[str, ...], labels: tuple[str, ...], told: str
) -> None:
    with pytest.raises(EvaluationError, match=told):
        classes_of(*headings, labels=labels)


def test_what_else_is_said_of_an_image_is_found() -> None:
    headings = ["file", "True Label", "Subset", "Case-ID", "prediction", "Age", "other"]
    assert fact_columns(headings) == {
        "label": "True Label",
        "split": "Subset",
        "case_id": "Case-ID",
        "predicted": "prediction",
        "age": "Age",
    }
    with pytest.raises(EvaluationError, match="label and true_label could each be the label"):
        fact_columns(["label", "true_label"])


def test_probabilities_are_read_exactly_and_a_decimal_comma_is_a_point() -> None:
    digits = "0.47559278753520107"
    values = read_probabilities(cells((digits, "0.5244072124647989"), ("0,25", "0,75"), ("2.5e-1", " .75")), COLUMNS)
    assert values.tolist() == [[float(digits), 0.5244072124647989], [0.25, 0.75], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("93", "7"), ("12.5", "87.5")], "run from 7 to 93 and the rows sum to 100: percentages. Divide them by 100"),
        ([("33", "66"), ("50", "50")], "percentages"),
        ([("93%", "7%")], "percent signs. Save fractions instead: 0.93 for 93%"),
        ([("2.5", "-1.25")], "run from -1.25 to 2.5: logits or other scores.*Apply softmax"),
        ([(repr(math.log(0.9)), repr(math.log(0.1)))], "logarithms of probabilities. Save their exponentials"),
        ([("3", "5"), ("1", "8")], "run from 1 to 8, and the rows sum to 8 to 9: no probabilities"),
        ([("0.9", "0.4"), ("0.5", "0.5")], r"of 1 image\(s\) sum to 1.3 to 1.3 instead of 1 \(a\).*yes/no models"),
        ([("0.33", "0.66"), ("0.1", "0.9")], "sum to 0.99 to 0.99.*save more digits"),
        ([("1", "0"), ("0", "1")], "every number is 0 or 1: answers or labels. Probabilities are needed"),
        ([("0.9", "0.1"), ("nan", "")], "'nan' in p_n of b, '' in p_b of b: no finite number"),
        ([("=A1", "0.1"), ("inf", "none")], "'=A1' in p_n of a, 'inf' in p_n of b, 'none' in p_b of b: no finite"),
        ([("x", "y")] * 4, "and 3 more: no finite number"),
    ],
)
def test_other_numbers_are_refused_with_what_they_are(rows: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        read_probabilities(cells(*rows), COLUMNS)


def test_a_class_that_was_not_read_is_named_where_rows_do_not_sum_to_1() -> None:
    table = cells(("0.5", "0.2")).assign(p_other="0.3", age="7")
    with pytest.raises(EvaluationError, match=r"Not read as classes: p_other; name all classes with -o class_names"):
        read_probabilities(table, COLUMNS)


def test_every_spelling_of_the_parts_is_known() -> None:
    parts = read_parts(pd.Series([name.upper() for name in PART_SPELLINGS], name="split"))
    assert parts.tolist() == ["train", "train", "val", "val", "val", "test", "test"]


def test_the_only_part_is_test_whatever_its_name() -> None:
    assert read_parts(pd.Series(["External 1", "external_1"], name="split")).tolist() == ["test", "test"]


@pytest.mark.parametrize(
    ("names", "told"),
    [(["test", "holdout"], r"split has the part\(s\) holdout; use"), (["", "test"], r"1 image\(s\) have no part")],
)
def test_other_parts_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        read_parts(pd.Series(names, name="split", index=["a", "b"]))
