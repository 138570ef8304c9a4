from __future__ import annotations

import numpy as np

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.captions import answer_line, image_facts, map_caption, origin_line

TABLE = PredictionsTable.from_arrays(
    ("Normal", "Benign"),
    image_ids=["a", "b"],
    labels=["Benign", "Benign"],
    probabilities=np.array([[0.25, 0.75], [0.998, 0.002]]),
    source=["north", ""],
    center=["2", ""],
)


def test_a_wrong_answer_is_told_with_the_probability_of_the_truth():
    assert answer_line(image_facts(TABLE, 0, None)) == "Benign, rightly answered Benign, probability 0.750"
    told = "Benign, wrongly answered Normal, probability 0.998 (of Benign 0.002)"
    assert answer_line(image_facts(TABLE, 1, None)) == told


def test_the_size_of_a_lesion_says_what_it_is_a_share_of():
    told = "north, center 2, lesion 0.02% of the network's input, padding included"
    assert origin_line(image_facts(TABLE, 0, 0.0002)) == told
    assert origin_line(image_facts(TABLE, 1, None)) == "no lesion outlined"


def test_the_caption_of_a_map_names_its_own_probability():
    shows = "evidence for the truth, Benign"
    assert map_caption(shows, "Benign", 0.002, zero=False) == "Evidence for the truth, Benign: probability 0.002"
    assert map_caption("", "Normal", 0.5, zero=False) == "probability 0.500; locates nothing"
    assert map_caption("", "Normal", 0.5, zero=True) == "probability 0.500; the map is 0 everywhere"
    assert map_caption("what stands out", None, None, zero=False) == "What stands out"
