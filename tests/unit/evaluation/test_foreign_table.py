"""Spellings of headings. Expected values are written out."""

from __future__ import annotations

import pandas as pd
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.foreign_table import (
    IMAGE_SPELLINGS,
    PART_SPELLINGS,
    are_stated,
    class_columns,
    fact_columns,
    image_column,
    known_classes,
    read_parts,
    unread_classes,
)

CLASSES = ("Normal", "Benign", "Malignant")


def classes_of(*headings: str, labels: tuple[str, ...] = CLASSES) -> dict[str, str]:
    return class_columns(["image", *headings], known_classes(CLASSES, labels), labels)


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


def test_classes_that_somebody_names_are_all_there_are() -> None:
    known = known_classes(("Malignant", "Benign"), ["benign"])
    headings = ["file", "prob_Benign", "prob_Malignant", "prob_Extra", "predicted", "pred label"]
    found = class_columns(headings, known, ["Benign"], stated=True)
    assert list(found.items()) == [("Malignant", "prob_Malignant"), ("Benign", "prob_Benign")]  # in their order
    assert unread_classes(headings, found) == ["prob_Extra"]
    assert list(class_columns(headings, known, ["Benign"])) == ["Benign", "Malignant", "Extra"]
    with pytest.raises(EvaluationError, match="there is no probability of Malignant; found prob_Benign"):
        class_columns(["file", "prob_Benign", "prob_Extra"], known, ["Benign"], stated=True)


@pytest.mark.parametrize(
    "helper",
    ["prob_predicted", "prob_prediction", "Prob Max", "prob_top", "prob_top1", "prob_sum", "prob_predicted_class"],
)
def test_a_number_about_the_answer_is_no_class_unless_a_label_bears_its_name(helper: str) -> None:
    headings = ["file", "prob_Normal", "prob_Benign", "prob_Malignant", helper]
    found = classes_of(*headings[1:])
    assert list(found) == list(CLASSES)
    assert unread_classes(headings, found) == []
    label = helper[5:].replace("_", " ")
    assert classes_of(*headings[1:], labels=(*CLASSES, label))[label] == helper


def test_a_label_beside_the_named_classes_is_refused_and_the_default_ones_are_not_named() -> None:
    with pytest.raises(EvaluationError, match=r"label\(s\) Ewing are none of the classes Benign, Malignant that"):
        known_classes(("Benign", "Malignant"), ["Benign", "Ewing"])
    assert (are_stated(CLASSES), are_stated(CLASSES[::-1])) == (False, True)
    assert list(known_classes(CLASSES, ["Ewing"])) == ["normal", "benign", "malignant", "ewing"]


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


def test_every_spelling_of_the_parts_is_known() -> None:
    parts = read_parts(pd.Series([name.upper() for name in PART_SPELLINGS], name="split"))
    assert parts.tolist() == ["train", "train", "val", "val", "val", "test", "test"]


def test_the_only_part_is_test_whatever_its_name() -> None:
    assert read_parts(pd.Series(["External 1", "external_1"], name="split")).tolist() == ["test", "test"]


@pytest.mark.parametrize(
    ("names", "told"),
    [(["test", "holdout"], r"split has the part\(s\) holdout; use"), (["", "test"], "1 image has no part")],
)
def test_other_parts_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        read_parts(pd.Series(names, name="split", index=["a", "b"]))
