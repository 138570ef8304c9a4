"""Tables with ties. What is said is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.tied_answers import tied_answers


def table(*rows: tuple[float, float, float]) -> PredictionsTable:
    names = ["A", "B", "C"]
    labels = [names[place % 3] for place in range(len(rows))]
    ids = [str(place) for place in range(len(rows))]
    return PredictionsTable.from_arrays(names, image_ids=ids, labels=labels, probabilities=np.array(rows))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(0.2, 0.3, 0.5)] * 4, ["All answers are alike: each of the 4 images of the test part"]),
        ([(0.2, 0.3, 0.5)], []),
        (
            [(0.2, 0.5, 0.3), (0.3, 0.5, 0.2)],
            ["Every image of the test part has the same probability of B, so its AUC"],
        ),
        ([(0.2, 0.3, 0.5), (0.3, 0.2, 0.5)], []),  # no image is labelled C, whose AUC is not defined
        ([(0.2, 0.3, 0.5), (0.3, 0.1, 0.6)] * 3, ["The 6 images of the test part have 2 different answers"]),
        ([(0.2, 0.3, 0.5), (0.3, 0.1, 0.6)] * 2, []),  # half of them differ
    ],
)
def test_ties_are_told(rows: list[tuple[float, float, float]], told: list[str]) -> None:
    sentences = list(tied_answers(table(*rows)))
    assert len(sentences) == len(told)
    assert all(sentence.startswith(beginning) for sentence, beginning in zip(sentences, told, strict=True))


@pytest.mark.parametrize(("different", "is_told"), [(10, True), (11, False)])
def test_many_images_may_have_more_than_ten_answers(different: int, is_told: bool) -> None:
    rows = [(place / 100, 0.3 + place / 100, 0.7 - place / 50) for place in range(different)] * 3
    assert bool(list(tied_answers(table(*rows)))) is is_told
