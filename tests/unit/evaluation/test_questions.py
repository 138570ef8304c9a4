from __future__ import annotations

import numpy as np

from osteolens.evaluation.questions import questions


def test_malignant_and_tumour_are_asked_in_any_order_of_the_classes() -> None:
    malignant, tumour = questions(("Benign", "Malignant", "Normal"))
    probabilities = np.array([[0.2, 0.5, 0.3]])
    assert malignant.name == "Malignant against the rest"
    assert malignant.score(probabilities).tolist() == [0.5]
    assert malignant.truth(np.array([0, 1, 2])).tolist() == [False, True, False]
    assert tumour.name == "Any tumour against Normal"
    assert np.allclose(tumour.score(probabilities), 0.7)
    assert tumour.truth(np.array([0, 1, 2])).tolist() == [True, True, False]


def test_other_classes_are_each_asked_against_the_rest() -> None:
    assert [question.name for question in questions(("fracture", "none"))] == [
        "fracture against the rest",
        "none against the rest",
    ]
    assert [question.name for question in questions(("Malignant", "other"))] == ["Malignant against the rest"]


def test_a_sum_of_probabilities_is_at_most_one() -> None:
    tumour = questions(("Normal", "Benign", "Malignant"))[1]
    assert tumour.score(np.array([[0.0, 0.7000000000000001, 0.30000000000000004]])).tolist() == [1.0]
