from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import choose
from osteolens.explain.map_pictures import write_map_pictures
from osteolens.explain.shown_maps import shown_image
from osteolens.explain.views import input_views
from osteolens.storage import read_json

CLASSES = ("Normal", "Benign", "Malignant")


@pytest.fixture
def table() -> PredictionsTable:
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=["a/../b c.jpeg", "second.jpeg", "third.jpeg"],
        labels=["Benign", "Malignant", "Malignant"],
        probabilities=np.array([[0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]),
        source="north",
    )


def write(table: PredictionsTable, out: Path, method: str = "closed_form"):
    pictures = np.full((3, 32, 32), 100, np.uint8)
    square = np.zeros((32, 32), np.uint8)
    square[8:16, 4:20] = 1
    evidence = np.zeros((3, 2, 2), np.float32)
    evidence[:2] = 1  # none for Malignant
    write_map_pictures(
        choose(table, 1),
        table,
        input_views(pictures, {0: square}),
        shown={
            0: shown_image(table, 0, CellMap(evidence), 0.125, method),
            1: shown_image(table, 1, CellMap(evidence), None, method),
        },
        out=out,
        method=method,
    )
    return read_json(out / "map_pictures.json")


def test_the_answer_is_mapped_and_where_it_is_wrong_the_truth_too(table: PredictionsTable, tmp_path: Path) -> None:
    listed = write(table, tmp_path)
    assert listed["predictions_sha256"] == predictions_sha256(table)
    right, wrong = listed["images"]
    assert [panel["shows"] for panel in right["panels"]] == ["radiograph", "evidence for the answer and truth, Benign"]
    assert [(panel["class"], panel["probability"], panel["zero"]) for panel in wrong["panels"]] == [
        (None, None, None),
        ("Normal", 0.7, False),
        ("Malignant", 0.1, True),
    ]
    assert right["galleries"] == [["Benign", "TP"]]
    assert wrong["galleries"] == [["Normal", "FP"], ["Malignant", "FN"]]
    assert (right["area_share"], wrong["area_share"]) == (0.125, None)
    files = [panel["file"] for image in listed["images"] for panel in image["panels"]]
    assert all(re.fullmatch(r"pictures/[A-Za-z0-9_-]+\.jpg", name) for name in files)
    grey, coloured = (cv2.imread(str(tmp_path / name)).astype(int) for name in files[:2])
    assert abs(grey - 100).max() <= 2
    assert coloured[..., 2].mean() > coloured[..., 0].mean() + 30  # yellow, in BGR
    nothing = cv2.imread(str(tmp_path / files[4])).astype(int)
    assert abs(nothing - 100).max() <= 2


def test_a_map_of_no_class_is_shown_once(table: PredictionsTable, tmp_path: Path) -> None:
    images = write(table, tmp_path, method="eigencam")["images"]
    assert [[panel["class"] for panel in image["panels"]] for image in images] == [[None, None]] * 2
    assert images[1]["panels"][1]["shows"] == "what stands out to the network, of no class"


def test_pictures_of_an_earlier_state_are_removed(table: PredictionsTable, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "00099_old.jpg").write_bytes(b"old")
    listed = write(table, tmp_path)
    files = {panel["file"] for image in listed["images"] for panel in image["panels"]}
    assert {f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()} == files
