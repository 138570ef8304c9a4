from __future__ import annotations

import json
from pathlib import Path

import pytest

from osteolens.errors import DataError
from osteolens.inference.answer import Answer, Decision
from osteolens.inference.cases import BY_FOLDER, AnsweredCase, answer_cases, cases_of, write_cases
from osteolens.inference.reading import Failure
from osteolens.storage import read_table

NAMES = ("Benign", "Malignant")


def _answer(image: str, malignant: float, calibrated: float | None = None) -> Answer:
    own = None if calibrated is None else {"Benign": 1 - calibrated, "Malignant": calibrated}
    decision = None if own is None else Decision(own, None, ())
    return Answer(image, {"Benign": 1 - malignant, "Malignant": malignant}, decision)


def test_pictures_of_a_folder_are_one_case_and_those_beside_folders_one_each() -> None:
    found = cases_of(BY_FOLDER, ["anna/ap.dcm", "anna/lateral.dcm", "bo/1/ap.dcm", "single.dcm"])
    assert found == {
        "anna/ap.dcm": "anna",
        "anna/lateral.dcm": "anna",
        "bo/1/ap.dcm": "bo/1",
        "single.dcm": "single.dcm",
    }


def test_a_table_tells_the_cases(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("image,case,side\na.png,7,L\nb.png,7,R\nc.png,8,L\nnot asked for.png,9,L\n")
    assert cases_of(str(table), ["c.png", "a.png"]) == {"c.png": "8", "a.png": "7"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image,patient\na.png,1\n", "has no column case"),
        ("image,case\na.png,1\na.png,2\n", "more than one case of a.png"),
        ("image,case\nb.png,1\n", "no case of a.png"),
        ("image,case\na.png,\n", "no case of a.png"),
    ],
)
def test_a_table_that_does_not_tell_is_refused(tmp_path: Path, text: str, told: str) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(text)
    with pytest.raises(DataError, match=told):
        cases_of(str(table), ["a.png"])


def test_a_case_is_answered_from_the_calibrated_probabilities_of_its_views() -> None:
    answers = [_answer("a/1", 0.9, 0.8), _answer("b/1", 0.3), _answer("a/2", 0.9, 0.2)]
    failures = [Failure("a/3", "a/3 is empty."), Failure("c/1", "c/1 is empty.")]
    case_of = cases_of(BY_FOLDER, ["a/1", "b/1", "a/2", "a/3", "c/1"])
    first, second, third = answer_cases(answers, failures, case_of, NAMES)
    assert (first.case, first.images, first.not_answered) == ("a", ("a/1", "a/2"), ("a/3",))
    assert first.answer is not None
    assert first.answer.probabilities == pytest.approx({"Benign": 0.5, "Malignant": 0.5})  # sqrt(.8 * .2) of each
    assert not first.answer.agrees
    assert second.answer is not None
    assert second.answer.probabilities == pytest.approx({"Benign": 0.7, "Malignant": 0.3})
    assert (third.images, third.not_answered, third.answer) == ((), ("c/1",), None)


def test_the_files_hold_every_case(tmp_path: Path) -> None:
    cases = answer_cases(
        [_answer("a/1", 0.9), _answer("a/2", 0.9)], [Failure("b/1", "-")], {"a/1": "a", "a/2": "a", "b/1": "b"}, NAMES
    )
    write_cases(tmp_path, cases, NAMES)
    table = read_table(tmp_path / "cases.csv")
    assert table["case"].tolist() == ["a", "b"]
    assert table["label"].tolist() == ["Malignant", ""]
    assert table["prob_Malignant"].tolist() == ["0.9", ""]
    assert table["images"].tolist() == ["a/1|a/2", ""]
    assert table["not_answered"].tolist() == ["", "b/1"]
    record = json.loads((tmp_path / "cases.json").read_text())["cases"]
    assert [case["case"] for case in record] == ["a", "b"]
    assert record[0]["answer"]["divergence_bits"] == pytest.approx(0, abs=1e-12)
    assert record[1] == AnsweredCase("b", (), ("b/1",), None).to_dict()
