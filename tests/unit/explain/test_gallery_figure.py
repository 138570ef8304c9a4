from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.captions import NO_LESION
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import choose
from osteolens.explain.gallery_figure import gallery_figure
from osteolens.explain.shown_maps import shown_image
from osteolens.explain.views import View, input_views

CLASSES = ("Normal", "Benign", "Malignant")
EVEN = CellMap(np.ones((3, 2, 2), np.float32))


@pytest.fixture
def table() -> PredictionsTable:
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=["a", "b", "c"],
        labels=["Malignant", "Malignant", "Malignant"],
        probabilities=np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]),
    )


def drawn(table, name, views, shares=None, *, maps=EVEN, method="closed_form"):
    groups = [group for group in choose(table, 12) if group.class_name == name]
    shown = {row: shown_image(table, row, maps, (shares or {}).get(row), method) for row in range(len(table))}
    return gallery_figure(groups, views, shown=shown, method=method)


def test_every_map_stands_over_its_class_and_probability(table):
    square = np.zeros((16, 16), np.uint8)
    square[4:8, 4:8] = 1
    figure = drawn(table, "Malignant", input_views(np.full((3, 16, 16), 90, np.uint8), {1: square}), {1: 1 / 16})
    right, _, wrong = ([axes for axes in part.axes if axes.images] for part in figure.subfigs[1:])  # after the key
    (label,) = right[0].get_xticklabels()
    assert " ".join(label.get_text().split()) == "Evidence for the answer and truth, Malignant probability 0.700"
    labels = [[" ".join(label.get_text().split()) for label in axes.get_xticklabels()] for axes in wrong]
    assert labels == [
        ["Evidence for the answer, Benign probability 0.800", "Evidence for the truth, Malignant probability 0.100"],
        [
            "Evidence for the answer, Normal probability 0.600; locates nothing",
            "Evidence for the truth, Malignant probability 0.100",
        ],
    ]
    assert wrong[0].get_xticks().tolist() == [7.5 + 16, 7.5 + 32]  # the middles of the second and the third picture
    assert [" ".join(axes.get_xlabel().split()) for axes in wrong] == [
        (
            "b: Malignant, wrongly answered Benign, probability 0.800 (of Malignant 0.100) "
            "lesion 6.25% of the network's input, padding included"
        ),
        "a: Malignant, wrongly answered Normal, probability 0.600 (of Malignant 0.100) no lesion outlined",
    ]
    assert not any(axes.texts for axes in figure.axes)  # no text on a picture


def test_what_is_outlined_is_so_in_each_picture(table):
    square = np.zeros((16, 16), np.uint8)
    square[4:8, 4:8] = 1
    figure = drawn(table, "Malignant", input_views(np.full((3, 16, 16), 90, np.uint8), {1: square}), {1: 1 / 16})
    outlined, plain = (axes for axes in figure.subfigs[3].axes if axes.images)
    assert (len(outlined.collections), len(plain.collections)) == (1, 0)
    (path,) = outlined.collections[0].get_paths()
    lefts = sorted({round(float(corner)) for corner in path.vertices[:, 0]} & {4, 20, 36})
    assert lefts == [4, 20, 36]


def test_headings_and_title_say_what_was_chosen(table):
    views = input_views(np.full((3, 16, 16), 90, np.uint8), {})
    figure = drawn(table, "Malignant", views)
    groups = [group for group in choose(table, 12) if group.class_name == "Malignant"]
    assert [part.get_suptitle() for part in figure.subfigs[1:]] == [group.title for group in groups]
    assert "not by looks" in figure.get_suptitle()
    assert "at most one image of a case" in figure.get_suptitle()


def test_a_gallery_with_maps_of_normal_says_that_they_locate_nothing(table):
    views = input_views(np.full((3, 16, 16), 90, np.uint8), {})
    assert NO_LESION in drawn(table, "Malignant", views).get_suptitle()  # one was answered Normal
    assert NO_LESION not in drawn(table, "Benign", views).get_suptitle()
    assert NO_LESION not in drawn(table, "Malignant", views, method="eigencam").get_suptitle()


def test_a_map_of_no_class_is_shown_once_and_has_no_probability(table):
    views = input_views(np.full((3, 16, 16), 90, np.uint8), {})
    figure = drawn(table, "Malignant", views, method="eigencam")
    for axes in (axes for part in figure.subfigs[1:] for axes in part.axes if axes.images):
        (label,) = axes.get_xticklabels()
        assert " ".join(label.get_text().split()) == "What stands out to the network, of no class"


def test_a_map_of_zeros_is_marked(table):
    views = input_views(np.full((3, 16, 16), 90, np.uint8), {})
    figure = drawn(table, "Malignant", views, maps=CellMap(np.zeros((3, 2, 2), np.float32)))
    labels = [label.get_text() for part in figure.subfigs[1:] for axes in part.axes for label in axes.get_xticklabels()]
    told = [" ".join(text.split()) for text in labels if "Evidence" in text]
    assert len(told) == 1 + 2 * 2
    assert all(text.endswith("; the map is 0 everywhere") for text in told)


def test_a_picture_keeps_its_own_proportions(table):
    upright = View(np.full((40, 20), 90, np.uint8), None)
    figure = drawn(table, "Benign", lambda _: upright)
    pictures = next(axes for axes in figure.subfigs[2].axes if axes.images)
    assert pictures.images[0].get_array().shape == (40, 3 * 20 + 2 * 1, 3)


@pytest.mark.parametrize(("answer", "block", "grid"), [("Normal", 1, (4, 3)), ("Benign", 3, (6, 2))])
def test_many_pictures_are_broken_into_lines(answer, block, grid):
    """Three right answers fill a line, of a picture and a map each, and two wrong ones, with two maps each."""
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{index:02d}" for index in range(12)],
        labels=["Normal"] * 12,
        probabilities=np.tile([[float(name == answer) for name in CLASSES]], (12, 1)),
    )
    part = drawn(table, "Normal", input_views(np.zeros((12, 8, 8), np.uint8), {})).subfigs[block]
    assert (part.axes[0].get_gridspec().nrows, part.axes[0].get_gridspec().ncols) == grid
    assert sum(bool(axes.images) for axes in part.axes) == 12
