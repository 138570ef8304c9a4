from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import choose, gallery_figure, gallery_file, gallery_index, index_table
from osteolens.explain.views import View, input_views

CLASSES = ("Normal", "Benign", "Malignant")
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],  # 0 Normal, right
        [0.9, 0.1, 0.0],  # 1 Normal, right
        [0.9, 0.0, 0.1],  # 2 Normal, right; as sure as 1, and its id comes first
        [0.2, 0.7, 0.1],  # 3 Normal taken for Benign
        [0.6, 0.3, 0.1],  # 4 Malignant taken for Normal
        [0.1, 0.8, 0.1],  # 5 Malignant taken for Benign
        [0.1, 0.6, 0.3],  # 6 Benign, right
    ]
)


@pytest.fixture
def table() -> PredictionsTable:
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=["d", "c", "b", "a", "e", "f", "g"],
        labels=["Normal", "Normal", "Normal", "Normal", "Malignant", "Malignant", "Benign"],
        probabilities=PROBABILITIES,
    )


def chosen(table: PredictionsTable, size: int) -> dict[tuple[str, str], tuple[int, tuple[int, ...]]]:
    return {(group.class_name, group.kind): (group.total, group.rows) for group in choose(table, size)}


def test_the_most_confident_first_and_of_equals_the_smaller_id(table):
    groups = chosen(table, 5)
    assert groups == {
        ("Normal", "TP"): (3, (2, 1, 0)),
        ("Normal", "FP"): (1, (4,)),
        ("Normal", "FN"): (1, (3,)),
        ("Benign", "TP"): (1, (6,)),
        ("Benign", "FP"): (2, (5, 3)),
        ("Benign", "FN"): (0, ()),
        ("Malignant", "TP"): (0, ()),
        ("Malignant", "FP"): (0, ()),
        ("Malignant", "FN"): (2, (5, 4)),  # the surer of its wrong answer first
    }


def test_no_more_than_asked_for_but_all_are_counted(table):
    group = choose(table, 2)[0]
    assert (group.total, group.rows) == (3, (2, 1))
    assert group.title.endswith("2 of 3 cases shown, by one image each; 3 images in all")
    assert choose(table, 2)[5].title == "FN, Benign answered as another class: none"


def test_one_patient_does_not_fill_a_group():
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=["a", "b", "c", "d"],
        labels=["Normal"] * 4,
        probabilities=np.array([[0.9, 0.1, 0.0], [0.99, 0.01, 0.0], [0.95, 0.05, 0.0], [0.6, 0.4, 0.0]]),
        case_id=["one", "one", "one", "other"],
    )
    group = choose(table, 3)[0]
    assert (group.total, group.cases, group.rows) == (4, 2, (1, 3))


def test_the_order_of_the_rows_does_not_matter(table):
    shuffled = PredictionsTable(CLASSES, table.frame.iloc[::-1])
    assert [[6 - row for row in group.rows] for group in choose(shuffled, 5)] == [
        list(group.rows) for group in choose(table, 5)
    ]


def test_the_index_lists_what_is_shown(table):
    groups = choose(table, 2)
    index = gallery_index(groups, table, {4: 0.25, 5: 0.5})
    assert index["map_class"] == "answered class"
    normal = index["galleries"]["Normal"]
    assert normal["file"] == "gallery_Normal.png"
    assert normal["groups"]["TP"]["total"] == 3
    assert [shown["image_id"] for shown in normal["groups"]["TP"]["shown"]] == ["b", "c"]
    assert normal["groups"]["FP"]["shown"] == [
        {
            "image_id": "e",
            "truth": "Malignant",
            "answer": "Normal",
            "probability": 0.6,
            "case_id": "e",
            "source": "",
            "center": "",
            "subtype": "",
            "annotated": True,
            "area_share": 0.25,
        }
    ]
    rows = index_table(index)
    assert len(rows) == sum(len(group.rows) for group in groups) == 9
    first = rows.iloc[0][["gallery", "kind", "image_id", "truth", "answer", "probability", "annotated"]]
    assert first.tolist() == ["Normal", "TP", "b", "Normal", "Normal", 0.9, False]


def test_one_pair_per_picture_with_its_caption_below(table):
    groups = [group for group in choose(table, 5) if group.class_name == "Malignant"]
    pictures = np.full((7, 16, 16), 90, np.uint8)
    maps = {row: CellMap(np.ones((2, 2), np.float32)) for row in range(7)}
    views = input_views(pictures, {5: np.eye(16, dtype=np.uint8)})
    figure = gallery_figure(groups, table, views, maps=maps, area_shares={5: 1 / 16})
    pairs = [axes for axes in figure.axes if axes.images]
    pairs = pairs[1:]  # after the key to the colours
    assert [axes.get_xlabel().splitlines() for axes in pairs] == [
        ["f: Malignant, wrongly answered Benign, probability 0.80", "lesion 6.25% of the area"],
        ["e: Malignant, wrongly answered Normal, probability 0.60", "no lesion outlined"],
    ]
    assert [len(axes.collections) for axes in pairs] == [1, 0]  # an outline only where there is an annotation
    outline = pairs[0].collections[0].get_paths()[0].vertices[:, 0]
    assert outline.min() < 16 < outline.max()  # in both pictures of the pair
    assert not any(axes.texts for axes in figure.axes)  # no text on a picture
    assert [part.get_suptitle() for part in figure.subfigs[1:]] == [group.title for group in groups]
    assert "not by looks" in figure.get_suptitle()
    assert "at most one image of a case" in figure.get_suptitle()


def test_a_picture_keeps_its_own_proportions(table):
    groups = [group for group in choose(table, 5) if group.class_name == "Benign"]
    upright = View(np.full((40, 20), 90, np.uint8), None)
    maps = {row: CellMap(np.ones((2, 2), np.float32)) for row in range(7)}
    figure = gallery_figure(groups, table, lambda _: upright, maps=maps, area_shares={})
    pair = next(axes for axes in figure.subfigs[1].axes if axes.images)
    assert pair.images[0].get_array().shape == (40, 20 + 1 + 20, 3)


def test_many_pictures_are_broken_into_lines():
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{index:02d}" for index in range(12)],
        labels=["Normal"] * 12,
        probabilities=np.tile([1.0, 0.0, 0.0], (12, 1)),
    )
    maps = {row: CellMap(np.zeros((2, 2), np.float32)) for row in range(12)}
    views = input_views(np.zeros((12, 8, 8), np.uint8), {})
    figure = gallery_figure(choose(table, 12)[:3], table, views, maps=maps, area_shares={})
    grid = figure.subfigs[1].axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (4, 3)
    assert sum(bool(axes.images) for axes in figure.subfigs[1].axes) == 12


def test_a_class_name_that_no_file_may_bear():
    assert gallery_file("Normal") == "gallery_Normal.png"
    assert gallery_file("benign / other") == "gallery_benign___other.png"
