from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteolens.errors import DataError, EvaluationError
from osteolens.evaluation.predictions import PredictionsTable

CLASSES = ("Normal", "Benign", "Malignant")


def frame(**changes: object) -> pd.DataFrame:
    columns = {
        "image_id": ["a.jpeg", "b.jpeg", "c.jpeg"],
        "label": ["Normal", "Malignant", "Benign"],
        "prob_Normal": [0.7, 0.1, 0.25],
        "prob_Benign": [0.2, 0.3, 0.5],
        "prob_Malignant": [0.1, 0.6, 0.25],
    }
    return pd.DataFrame({**columns, **changes})


def test_missing_optional_columns_are_filled() -> None:
    table = PredictionsTable(CLASSES, frame())
    assert list(table.frame.columns) == [
        *("image_id", "split", "label", "predicted", "prob_Normal", "prob_Benign", "prob_Malignant"),
        *("case_id", "center", "source", "checkpoint_sha256"),
    ]
    assert table.frame["split"].tolist() == ["test"] * 3
    assert table.frame["predicted"].tolist() == ["Normal", "Malignant", "Benign"]
    assert table.cases.tolist() == ["a.jpeg", "b.jpeg", "c.jpeg"]
    assert table.frame["center"].tolist() == ["", "", ""]
    assert table.labels.tolist() == [0, 2, 1]
    assert table.probabilities.tolist() == [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.25, 0.5, 0.25]]
    assert len(table) == 3


def test_an_empty_case_falls_back_to_the_image_and_further_columns_stay() -> None:
    table = PredictionsTable(CLASSES, frame(case_id=["c1", None, ""], age=[34, 5, 71], center=[1, 2, 3]))
    assert table.cases.tolist() == ["c1", "b.jpeg", "c.jpeg"]
    assert table.frame["age"].tolist() == ["34", "5", "71"]
    assert table.frame["center"].tolist() == ["1", "2", "3"]


def test_the_given_frame_is_left_alone() -> None:
    given = frame(prob_Normal=[0.7004, 0.1, 0.25])
    PredictionsTable(CLASSES, given)
    assert given["prob_Normal"].tolist() == [0.7004, 0.1, 0.25]
    assert "split" not in given


def test_probabilities_are_normalised_within_the_tolerance() -> None:
    table = PredictionsTable(CLASSES, frame(prob_Normal=[0.7004, 0.1, 0.25]))
    assert table.probabilities[0] == pytest.approx(np.array([0.7004, 0.2, 0.1]) / 1.0004)
    assert table.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-15)


def test_written_table_reads_back_exactly(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(200, 3)).astype(np.float32)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"IMG{index:06d}.jpeg" for index in range(200)],
        labels=[CLASSES[index % 3] for index in range(200)],
        probabilities=softmax,
        split="val",
        age=generator.integers(1, 90, 200),
        checkpoint_sha256="ab12",
    )
    again = PredictionsTable.from_csv(table.write(tmp_path / "predictions.csv"))
    assert again.class_names == CLASSES
    assert (again.probabilities == table.probabilities).all()
    assert again.frame.astype(object).equals(table.frame.astype(object))


def test_class_names_follow_the_columns_or_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    frame()[["prob_Malignant", "prob_Benign", "prob_Normal", "label", "image_id"]].to_csv(path, index=False)
    assert PredictionsTable.from_csv(path).class_names == ("Malignant", "Benign", "Normal")
    assert PredictionsTable.from_csv(path, CLASSES).labels.tolist() == [0, 2, 1]


def test_all_violations_come_together_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "image_id,label,split,predicted,prob_Normal,prob_Malignant\n"
        "a,Normal,test,Normal,0.9,0.1\n"
        "a,Normal,test,Normal,0.9,0.1\n"
        "b,Sarcoma,test,Normal,0.9,0.1\n"
        "c,Normal,test,Normal,nan,0.1\n"
        "d,Normal,test,Normal,1.2,-0.2\n"
        "e,Normal,test,Normal,0.9,0.2\n"
        "f,Normal,,Malignant,0.9,0.1\n"
        ",Normal,test,Dog,many,0.1\n"
    )
    with pytest.raises(EvaluationError) as caught:
        PredictionsTable.from_csv(path)
    lines = str(caught.value).splitlines()
    assert str(path) in lines[0]
    assert lines[1:] == [
        "- the image id is empty: row 8 (no id).",
        "- the image id stands there already: row 2 (a).",
        "- the split is empty: row 7 (f).",
        "- the label is none of Normal, Malignant: row 3 (b).",
        "- the probabilities are not all numbers in 0 to 1: row 4 (c), row 5 (d), row 8 (no id).",
        "- the probabilities do not sum to 1: row 6 (e).",
        "- the predicted class is none of Normal, Malignant: row 8 (no id).",
        "- the predicted class is not the most probable one: row 7 (f).",
    ]


def test_only_the_first_rows_are_named() -> None:
    ids = [f"i{index}" for index in range(8)]
    probabilities = np.tile([0.5, 0.5], (8, 1))
    with pytest.raises(EvaluationError, match=r"row 5 \(i4\) and 3 more\.$"):
        PredictionsTable.from_arrays(("A", "B"), image_ids=ids, labels=["C"] * 8, probabilities=probabilities)


@pytest.mark.parametrize(
    ("classes", "table", "sentence"),
    [
        (CLASSES, frame().drop(columns=["label", "prob_Benign"]), r"column\(s\) label, prob_Benign are missing"),
        (CLASSES[:2], frame(), r"prob_Malignant belong to none of the classes Normal, Benign"),
        (CLASSES, frame().iloc[:0], "holds no image"),
        (("Normal",), frame()[["image_id", "label", "prob_Normal"]], "at least two different classes"),
        (CLASSES, pd.concat([frame(), frame()[["label"]]], axis=1), r"column\(s\) label stand there more than once"),
    ],
)
def test_unfit_columns_are_refused(classes: tuple[str, ...], table: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(EvaluationError, match=sentence):
        PredictionsTable(classes, table)


def test_a_tie_lost_in_printing_is_no_violation() -> None:
    tied = frame(prob_Normal=[0.45, 0.1, 0.25], prob_Benign=[0.45, 0.3, 0.5], predicted=["Benign", "Malignant", ""])
    assert PredictionsTable(CLASSES, tied).frame["predicted"].tolist() == ["Normal", "Malignant", "Benign"]


def test_parts_and_subsets() -> None:
    table = PredictionsTable(CLASSES, frame(split=["test", "val", "test"]))
    assert table.splits == ("test", "val")
    assert table.part("test").frame["image_id"].tolist() == ["a.jpeg", "c.jpeg"]
    assert table.subset(table.labels == 2).frame["image_id"].tolist() == ["b.jpeg"]
    with pytest.raises(EvaluationError, match=r"no split 'train'; it has test, val"):
        table.part("train")
    with pytest.raises(EvaluationError, match="holds no image"):
        table.subset(np.zeros(3, dtype=bool))


def test_arrays_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"\(2, 3\), not \(2, 2\)"):
        PredictionsTable.from_arrays(
            CLASSES, image_ids=["a", "b"], labels=["Normal", "Normal"], probabilities=np.full((2, 2), 0.5)
        )
    with pytest.raises(EvaluationError, match="one length"):
        PredictionsTable.from_arrays(("A", "B"), image_ids=["a", "b"], labels=["A"], probabilities=np.full((2, 2), 0.5))


def test_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        PredictionsTable.from_csv(tmp_path / "none.csv")
