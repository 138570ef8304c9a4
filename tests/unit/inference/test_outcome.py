from __future__ import annotations

import json
import math

import pytest

from osteolens.inference.answer import Answer, Call, Decision, Objection
from osteolens.inference.novelty import Novelty
from osteolens.inference.outcome import Outcome
from osteolens.inference.reading import Failure
from osteolens.storage import to_json_line

CALL = Call("Malignant against the rest", "high_sensitivity", 0.2, 0.1 + 0.2)
DECISION = Decision({"Normal": 1 / 3, "Benign": 2 / 3}, ("Benign",), (CALL,))
ANSWER = Answer("a.png", {"Normal": 0.1, "Benign": 0.9})
FULL = Answer("ü.png", ANSWER.probabilities, DECISION, Novelty(1 / 7, 40.0, 0.05), (Objection("colour", "is blue"),))


def through_a_file(outcome: Outcome) -> Outcome:
    line = to_json_line(outcome.to_dict())
    assert line.count("\n") == 1
    return Outcome.from_dict(json.loads(line))


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(ANSWER),
        Outcome(FULL, zero_map=True),
        Outcome(Answer("b.png", ANSWER.probabilities, Decision(None, None, ()))),
        Outcome(Answer("b.png", ANSWER.probabilities, Decision(None, (), ()))),
        Outcome(Failure("c.png", "c.png cannot be read.")),
        Outcome(Failure("c.png", "c.png is blank.\nIndeed.", "blank")),
    ],
)
def test_a_line_gives_back_what_it_was_made_of_to_the_last_digit(outcome: Outcome) -> None:
    assert through_a_file(outcome) == outcome


def test_a_distance_that_is_not_finite_is_still_novel() -> None:
    endless = Answer("a.png", ANSWER.probabilities, novelty=Novelty(math.inf, 40.0, 0.05))
    result = through_a_file(Outcome(endless)).result
    assert isinstance(result, Answer)
    assert result.novelty is not None
    assert result.novelty.is_novel
