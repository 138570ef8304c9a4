from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import score_maps
from osteolens.explain.cell_map import CellMap
from osteolens.explain.panels import choose_panels, comparison_figure
from osteolens.explain.views import input_views

SIDE = 40


def lesion(pixels: int) -> np.ndarray:
    mask = np.zeros(SIDE * SIDE, np.uint8)
    mask[:pixels] = 1
    return mask.reshape(SIDE, SIDE)


@pytest.fixture
def masks() -> dict[int, np.ndarray]:
    """Four images in each of the bands 0.1-0.3%, 1-3% and from 10% of 1,600 pixels."""
    return {row: lesion((2, 32, 320)[row % 3] + row // 4) for row in range(12)}


def own_cases(agreement) -> np.ndarray:
    return agreement.rows.astype(str)


def agreement_of(masks):
    return score_maps({row: CellMap(np.ones((2, 2), np.float32)) for row in masks}, masks, masks, (0.5,))


def test_every_band_and_every_class_is_shown(masks):
    agreement = agreement_of({row: mask for row, mask in masks.items() if row != 9})
    labels = (agreement.rows // 3) % 2
    for count in (3, 6):
        chosen = choose_panels(agreement, labels, own_cases(agreement), count, seed=3)
        assert len(set(chosen)) == count
        assert {int(agreement.bands[place]) for place in chosen} == {1, 3, 5}
        assert {int(labels[place]) for place in chosen} == {0, 1}


def test_the_smallest_lesion_first_and_the_same_for_one_seed(masks):
    agreement = agreement_of(masks)
    chosen = choose_panels(agreement, agreement.rows % 2, own_cases(agreement), 6, seed=3)
    assert chosen == choose_panels(agreement, agreement.rows % 2, own_cases(agreement), 6, seed=3)
    shares = agreement.area_share[chosen]
    assert (np.diff(shares) >= 0).all()
    seeds = range(10)
    drawn = {tuple(choose_panels(agreement, agreement.rows % 2, own_cases(agreement), 3, seed=s)) for s in seeds}
    assert len(drawn) > 1


def test_at_most_one_image_of_a_case(masks):
    agreement = agreement_of(masks)
    cases = np.array(["one"] * 10 + ["two", "three"])
    chosen = choose_panels(agreement, agreement.rows % 2, cases, 8, seed=3)
    assert sorted(cases[chosen]) == ["one", "three", "two"]


def test_fewer_where_fewer_exist(masks):
    agreement = agreement_of({0: masks[0]})
    assert choose_panels(agreement, np.array([2]), np.array(["one"]), 8, seed=0) == [0]
    empty = score_maps({}, {}, {}, (0.5,))
    assert choose_panels(empty, np.array([], np.int64), np.array([], np.str_), 8, seed=0) == []


def test_four_pictures_per_row_and_the_scores_below():
    table = PredictionsTable.from_arrays(
        ("Benign", "Malignant"),
        image_ids=["first", "second"],
        labels=["Malignant", "Benign"],
        probabilities=np.array([[0.25, 0.75], [0.9, 0.1]]),
        source=["north", ""],
        center=["2", ""],
        subtype=["osteosarcoma", ""],
    )
    two = {0: lesion(400), 1: lesion(160)}
    maps = {
        0: CellMap(np.array([[1.0, 1.0], [0.0, 0.0]], np.float32)),
        1: CellMap(np.zeros((2, 2), np.float32)),
    }
    agreement = score_maps(maps, two, two, (0.5,))
    pictures = np.zeros((2, SIDE, SIDE), np.uint8)
    figure = comparison_figure([1, 0], agreement, table, input_views(pictures, two), maps=maps)
    rows = figure.subfigs[1:]  # after the key to the colours
    assert [len(axes.images) for part in rows for axes in part.axes] == [1] * 8
    assert [len(axes.collections) for part in rows for axes in part.axes] == [0, 1, 1, 1] * 2
    assert not any(axes.texts for part in rows for axes in part.axes)
    assert figure.get_suptitle().startswith("2 of 2 annotated images")
    captions = [part.get_supxlabel() for part in rows]
    assert captions[0].startswith(
        "second: Benign, rightly answered Benign, probability 0.90; lesion 10.00% of the area"
    )
    assert "the map is 0 everywhere" in captions[0]
    told = (
        "first: Malignant, rightly answered Malignant, probability 0.75; north, center 2, osteosarcoma, lesion 25.00%"
    )
    assert captions[1].startswith(told)
    # Half of the 40 rows lie above the middle, where the map is half of its maximum: 10 of those 20 are the lesion.
    assert "IoU 0.50 at 0.5" in captions[1]
