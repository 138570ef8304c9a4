from __future__ import annotations

import pytest

from osteolens.errors import DataError
from osteolens.inference.answer import Answer, Call, Decision, Objection
from osteolens.inference.novelty import Novelty

PROBABILITIES = {"Normal": 0.2, "Benign": 0.5, "Malignant": 0.3}
CALIBRATED = {"Normal": 0.3, "Benign": 0.4, "Malignant": 0.3}


def test_the_label_is_the_most_probable_class_and_the_first_of_equals() -> None:
    assert Answer("a.png", {"Normal": 0.2, "Benign": 0.5, "Malignant": 0.3}).label == "Benign"
    assert Answer("a.png", {"Normal": 0.4, "Benign": 0.4, "Malignant": 0.2}).label == "Normal"


@pytest.mark.parametrize(
    "probabilities",
    [{}, {"a": 0.5, "b": 0.4}, {"a": 1.2, "b": -0.2}, {"a": float("nan"), "b": 1.0}, {"a": float("inf")}],
)
def test_probabilities_must_be_probabilities(probabilities: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"a\.png"):
        Answer("a.png", probabilities)


def test_the_probabilities_to_show_are_calibrated_where_they_can_be() -> None:
    assert Answer("a.png", PROBABILITIES).best_probabilities == PROBABILITIES
    assert Answer("a.png", PROBABILITIES, Decision(None, None, ())).best_probabilities == PROBABILITIES
    assert Answer("a.png", PROBABILITIES, Decision(CALIBRATED, None, ())).best_probabilities == CALIBRATED


def test_everything_that_is_known_is_in_the_record() -> None:
    call = Call("Malignant against the rest", "high_sensitivity", 0.2, 0.3)
    answer = Answer(
        "a.png",
        PROBABILITIES,
        Decision(CALIBRATED, ("Benign", "Malignant"), (call,)),
        Novelty(41.0, 40.0, 0.05),
        (Objection("colour", "does not look like a radiograph: it is in colour"),),
    )
    assert answer.to_dict() == {
        "image": "a.png",
        "label": "Benign",
        "probabilities": PROBABILITIES,
        "decision": {
            "calibrated": CALIBRATED,
            "conformal_set": ["Benign", "Malignant"],
            "calls": [
                {
                    "question": "Malignant against the rest",
                    "point": "high_sensitivity",
                    "threshold": 0.2,
                    "score": 0.3,
                    "positive": True,
                }
            ],
        },
        "novelty": {"score": 41.0, "threshold": 40.0, "refused": 0.05, "is_novel": True},
        "accepted": [{"gate": "colour", "reason": "does not look like a radiograph: it is in colour"}],
    }
    bare = Answer("a.png", PROBABILITIES).to_dict()
    assert (bare["decision"], bare["novelty"], bare["accepted"]) == (None, None, [])
