from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cell_map import CellMap
from osteolens.explain.shown_maps import shown_image

TABLE = PredictionsTable.from_arrays(
    ("Normal", "Benign", "Malignant"),
    image_ids=["right", "wrong"],
    labels=["Benign", "Malignant"],
    probabilities=np.array([[0.1, 0.8, 0.1], [0.625, 0.25, 0.125]]),
)
MAPS = CellMap(np.arange(3, dtype=np.float32).reshape(3, 1, 1))  # the map of class k is k


def test_a_right_answer_has_one_map_and_a_wrong_one_that_of_the_truth_too():
    (only,) = shown_image(TABLE, 0, MAPS, 0.1, "closed_form").maps
    assert (only.shows, only.class_name, only.probability) == (
        "evidence for the answer and truth, Benign",
        "Benign",
        0.8,
    )
    assert only.cells.values.item() == 1
    answer, truth = shown_image(TABLE, 1, MAPS, 0.1, "closed_form").maps
    assert (answer.shows, truth.shows) == ("evidence for the answer, Normal", "evidence for the truth, Malignant")
    assert (answer.probability, truth.probability) == (0.625, 0.125)
    assert (answer.cells.values.item(), truth.cells.values.item()) == (0, 2)
    assert answer.record == {"class": "Normal", "probability": 0.625, "zero": True}


@pytest.mark.parametrize("row", [0, 1])
def test_a_method_of_no_class_shows_one_map_without_a_probability(row):
    (only,) = shown_image(TABLE, row, MAPS, None, "eigencam").maps
    assert only.record == {"class": None, "probability": None, "zero": row == 1}
    assert only.caption.startswith("What stands out to the network, of no class")
