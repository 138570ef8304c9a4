from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import choose, gallery_file, gallery_index, index_table
from osteolens.explain.shown_maps import shown_image

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
    groups, shares = choose(table, 2), {4: 0.25, 5: 0.5}
    evidence = np.zeros((3, 2, 2), np.float32)
    evidence[0] = 1  # for Normal alone
    shown = {row: shown_image(table, row, CellMap(evidence), shares.get(row), "closed_form") for row in range(7)}
    index = gallery_index(groups, shown)
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
            "truth_probability": 0.1,
            "case_id": "e",
            "source": "",
            "center": "",
            "subtype": "",
            "annotated": True,
            "area_share": 0.25,
            "maps": [
                {"class": "Normal", "probability": 0.6, "zero": False},
                {"class": "Malignant", "probability": 0.1, "zero": True},
            ],
        }
    ]
    rows = index_table(index)
    # TP: 2 Normal, 1 Benign; wrong ones with two maps each: FP 1 Normal, 2 Benign; FN 1 Normal, 2 Malignant
    assert len(rows) == 3 + 2 * 6
    names = ["gallery", "kind", "image_id", "truth", "answer", "probability", "annotated"]
    assert rows.iloc[0][names].tolist() == ["Normal", "TP", "b", "Normal", "Normal", 0.9, False]
    maps = rows[(rows["gallery"] == "Normal") & (rows["kind"] == "FP")]
    assert maps[["map_class", "map_probability", "map_zero"]].to_numpy().tolist() == [
        ["Normal", 0.6, False],
        ["Malignant", 0.1, True],
    ]


def test_a_class_name_that_no_file_may_bear():
    assert gallery_file("Normal") == "gallery_Normal.png"
    assert gallery_file("benign / other") == "gallery_benign___other.png"
