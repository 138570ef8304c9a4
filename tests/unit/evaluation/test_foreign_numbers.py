"""Numbers that are probabilities and numbers that are none. Expected values are written out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.foreign_numbers import divided_by_sum, read_probabilities

COLUMNS = {"Normal": "p_n", "Benign": "p_b"}


def cells(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["p_n", "p_b"], index=list("abcdefgh")[: len(rows)], dtype=str)


def test_probabilities_are_read_exactly_and_a_decimal_comma_is_a_point() -> None:
    digits = "0.47559278753520107"
    values = read_probabilities(
        cells((digits, "0.5244072124647989"), ("0,25", "0,75"), ("2.5e-1", " .75")), COLUMNS, COLUMNS
    )
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
        ([("0.9", "0.4"), ("0.5", "0.5")], r"of 1 image sum to 1.3 to 1.3 instead of 1 \(a\).*yes/no models"),
        (
            [("0.33", "0.66"), ("0.1", "0.9")],
            "sum to 0.99 to 0.99.*save more digits; .* --renormalise",
        ),
        ([("1", "0"), ("0", "1")], "every number is 0 or 1: answers or labels. Probabilities are needed"),
        ([("0.9", "0.1"), ("nan", "")], "'nan' in p_n of b, '' in p_b of b: no finite number"),
        ([("=A1", "0.1"), ("inf", "none")], "'=A1' in p_n of a, 'inf' in p_n of b, 'none' in p_b of b: no finite"),
        ([("x", "y")] * 4, "and 3 more: no finite number"),
    ],
)
def test_other_numbers_are_refused_with_what_they_are(rows: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        read_probabilities(cells(*rows), COLUMNS, COLUMNS)


def test_a_class_that_was_not_read_is_named_where_rows_do_not_sum_to_1() -> None:
    table = cells(("0.5", "0.2")).assign(p_other="0.3", age="7")
    with pytest.raises(EvaluationError, match=r"Not read as classes: p_other; name all classes with -o class_names"):
        read_probabilities(table, COLUMNS, COLUMNS)


def test_the_columns_that_were_read_are_named_and_first_those_that_no_label_bears() -> None:
    rows = cells(("0.5", "0.5"), ("0.25", "0.75")).assign(prob_best=["0.5", "0.75"])
    columns = {**COLUMNS, "best": "prob_best"}
    read = r" Read as classes: prob_best \(no image is labelled best\), p_n, p_b\.$"
    with pytest.raises(EvaluationError, match=r"of 2 images sum to 1.5 to 1.75 instead of 1 \(a, b\).*" + read):
        read_probabilities(rows, columns, {"Normal", "Benign"})
    with pytest.raises(EvaluationError, match="no probabilities.*" + read):
        read_probabilities(rows.assign(prob_best="2"), columns, {"Normal", "Benign"})


def test_rounded_rows_are_let_through_on_request_and_divided_by_their_sum() -> None:
    values = read_probabilities(
        cells(("0.33", "0.66"), ("0.25", "0.75"), ("0.5", "0.55")), COLUMNS, COLUMNS, renormalise=True
    )
    assert values[:2].tolist() == [[0.33, 0.66], [0.25, 0.75]]  # still as they stand there
    divided, sums = divided_by_sum(values)
    assert sums == pytest.approx([0.99, 1.0, 1.05])
    assert divided == pytest.approx(np.array([[1 / 3, 2 / 3], [0.25, 0.75], [10 / 21, 11 / 21]]))


@pytest.mark.parametrize("row", [("0.5", "0.44"), ("0.5", "0.56")])
def test_no_request_lets_through_what_rounding_cannot_make(row: tuple[str, str]) -> None:
    with pytest.raises(EvaluationError, match=r"of 1 image sum to .* Sums further from 1 than 0.05 are not from round"):
        read_probabilities(cells(row, ("0.5", "0.5")), COLUMNS, COLUMNS, renormalise=True)


def test_a_request_turns_no_percentage_into_a_probability() -> None:
    with pytest.raises(EvaluationError, match=r"percentages. Divide them by 100"):
        read_probabilities(cells(("93", "7"), ("12", "88")), COLUMNS, COLUMNS, renormalise=True)
