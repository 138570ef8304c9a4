from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from osteolens.inference.answer import Answer, Call, Decision, Objection
from osteolens.inference.joining import write_record, write_rows
from osteolens.inference.novelty import Novelty
from osteolens.inference.outcome import Outcome
from osteolens.inference.reading import Failure
from osteolens.storage import to_json

RECORD = {"notice": 'says "predictions": [] and "failures"', "predictions": [], "failures": []}
CALLS = tuple(
    Call("Malignant against the rest", point, threshold, 0.25) for point, threshold in (("a", 0.2), ("b", 0.3))
)


def answer(name: str, benign: float) -> Answer:
    probabilities = {"Normal": 1 - benign, "Benign": benign}
    decision = Decision(probabilities, ("Normal", "Benign"), CALLS)
    return Answer(name, probabilities, decision, Novelty(12.34567, 40, 0.05), (Objection("colour", 'is "blue",\nyes'),))


ANSWERS = [answer("a, b.png", 2 / 3), answer("ü.png", 1e-9)]
FAILURES = [Failure("c.png", "c.png is blank.", "blank"), Failure("d.png", "d.png cannot be read.")]


def outcomes() -> Iterator[Outcome]:
    yield from map(Outcome, (FAILURES[0], ANSWERS[0], FAILURES[1], ANSWERS[1]))


@pytest.mark.parametrize("has_overlays", [True, False])
def test_the_record_is_what_writing_it_at_once_would_give(tmp_path: Path, has_overlays: bool) -> None:
    write_record(tmp_path / "p.json", RECORD, outcomes, has_overlays=has_overlays)
    overlays = ["overlays/a, b.png.png", "overlays/ü.png.png"] if has_overlays else [None, None]
    rows = [one.to_dict() | {"overlay": overlay} for one, overlay in zip(ANSWERS, overlays, strict=True)]
    failures = [
        {"image": "c.png", "reason": "c.png is blank.", "gate": "blank"},
        {"image": "d.png", "reason": "d.png cannot be read.", "gate": None},
    ]
    whole = to_json(RECORD | {"predictions": rows, "failures": failures})
    assert (tmp_path / "p.json").read_text(encoding="utf-8") == whole


def test_a_record_of_nothing_has_empty_lists(tmp_path: Path) -> None:
    write_record(tmp_path / "p.json", RECORD, lambda: iter(()), has_overlays=False)
    assert (tmp_path / "p.json").read_text(encoding="utf-8") == to_json(RECORD)


def test_the_table_is_what_pandas_would_write(tmp_path: Path) -> None:
    write_rows(tmp_path / "p.csv", outcomes)
    expected = pd.DataFrame(
        {
            "image": ["a, b.png", "ü.png"],
            "label": ["Benign", "Normal"],
            "prob_Normal": [0.333333, 1.0],
            "prob_Benign": [0.666667, 0.0],
            "calibrated_Normal": [0.333333, 1.0],
            "calibrated_Benign": [0.666667, 0.0],
            "conformal_set": "Normal|Benign",
            "Malignant against the rest, a": True,
            "Malignant against the rest, b": False,
            "distance": 12.346,
            "distance_limit": 40,
            "is_novel": False,
            "accepted": "colour",
        }
    )
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == expected.to_csv(index=False, lineterminator="\n")


def test_a_distance_that_is_not_finite_leaves_its_cell_empty(tmp_path: Path) -> None:
    endless = Answer("a.png", {"Normal": 1.0}, novelty=Novelty(float("nan"), 40.0, 0.05))
    write_rows(tmp_path / "p.csv", lambda: iter([Outcome(endless)]))
    assert (tmp_path / "p.csv").read_text().splitlines()[1] == "a.png,Normal,1.0,,40.0,True,"


def test_a_table_of_nothing_is_empty(tmp_path: Path) -> None:
    write_rows(tmp_path / "p.csv", lambda: iter([Outcome(FAILURES[0])]))
    assert (tmp_path / "p.csv").read_text() == "\n"
