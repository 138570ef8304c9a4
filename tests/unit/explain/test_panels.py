from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import score_maps
from osteolens.explain.cell_map import CellMap
from osteolens.explain.overlay import colour_ramp, map_ramp
from osteolens.explain.panels import ENLARGED_TITLES, choose_panels, comparison_figure
from osteolens.explain.shown_maps import shown_image
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


@pytest.fixture
def table() -> PredictionsTable:
    return PredictionsTable.from_arrays(
        ("Benign", "Malignant"),
        image_ids=["first", "second"],
        labels=["Malignant", "Benign"],
        probabilities=np.array([[0.25, 0.75], [0.1, 0.9]]),
        source=["north", ""],
        center=["2", ""],
        subtype=["osteosarcoma", ""],
    )


def figure_of(table, masks):
    """Return the comparison of two images, the map of the first in the upper half, that of the second 0."""
    upper = np.array([[1.0, 1.0], [0.0, 0.0]], np.float32)
    of_true_class = {0: upper, 1: np.zeros((2, 2), np.float32)}
    agreement = score_maps({row: CellMap(heat) for row, heat in of_true_class.items()}, masks, masks, (0.5,))
    shown = {
        row: shown_image(table, row, CellMap(np.stack([heat, heat])), float(agreement.area_share[row]), "closed_form")
        for row, heat in of_true_class.items()
    }
    views = input_views(np.zeros((2, SIDE, SIDE), np.uint8), masks)
    return comparison_figure([1, 0], agreement, views, shown=shown, method="closed_form")


def test_four_pictures_per_row_and_the_scores_below(table):
    figure = figure_of(table, {0: lesion(400), 1: lesion(160)})
    rows = figure.subfigs[1:]  # after the keys to the colours
    assert [len(axes.images) for part in rows for axes in part.axes] == [1] * 8
    assert [len(axes.collections) for part in rows for axes in part.axes] == [0, 1, 1, 1] * 2
    assert not any(axes.texts for part in rows for axes in part.axes)
    assert figure.get_suptitle().startswith("2 of 2 annotated images")
    second, first = (part.get_supxlabel().splitlines() for part in rows)
    assert second == [
        (
            "second: Benign, wrongly answered Malignant, probability 0.900 (of Benign 0.100); "
            "lesion 10.00% of the network's input, padding included"
        ),
        (
            "Evidence for the truth, Benign: probability 0.100; the map is 0 everywhere; "
            "IoU 0.00 at 0.5 of the maximum; pointing game 0.00"
        ),
    ]
    assert first[0] == (
        "first: Malignant, rightly answered Malignant, probability 0.750; north, center 2, osteosarcoma, "
        "lesion 25.00% of the network's input, padding included"
    )
    # Half of the 40 rows lie above the middle, where the map is half of its maximum: 10 of those 20 are the lesion.
    assert first[1].startswith("Evidence for the answer and truth, Malignant: probability 0.750; IoU 0.50 at 0.5")


def test_map_and_overlay_have_a_key_each(table):
    key = figure_of(table, {0: lesion(400), 1: lesion(160)}).subfigs[0]
    strips = [axes for axes in key.axes if axes.images]
    assert [axes.get_title().split(":")[0] for axes in strips] == ["Map", "Overlay"]
    for axes, colours in zip(strips, (map_ramp(1, 256), colour_ramp(1, 256)), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), colours)


def test_a_small_lesion_is_enlarged_beside_the_others(table):
    figure = figure_of(table, {0: lesion(400), 1: lesion(4)})  # the second: 0.25%, row 0, columns 0 to 3
    small, large = (part.axes for part in figure.subfigs[1:])
    for axes, title in zip(small[4:], ENLARGED_TITLES, strict=True):
        assert axes.get_title() == title
        # three times four pixels, from the corner; an image is drawn from half a pixel before its first
        assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 11.5), (11.5, -0.5))
        assert axes.get_xlabel() == "3 times as large"
        assert len(axes.collections) == 1
    assert (small[4].images[0].get_array().ndim, small[5].images[0].get_array().ndim) == (2, 3)  # bare, and laid over
    frame = small[1].patches[0]
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((-0.5, -0.5), 12, 12)
    assert not any(axes.images or axes.axison for axes in large[4:])
