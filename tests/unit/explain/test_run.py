from __future__ import annotations

import logging

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.errors import EvaluationError
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.explain.run import explain_run
from osteolens.storage import read_json

SIDE = 16
RECORD = Preprocessing(size=SIDE, channels=1, mean=(0.0,), std=(1.0,))
CLASSES = ("Normal", "Benign", "Malignant")


class Twice(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.repeat(1, 2, 1, 1)


@pytest.fixture
def grey_model(paper_model):
    """Both features of the paper network are the grey picture; class 2 weighs it negatively."""
    paper_model.network.evidence = Twice()
    return paper_model


@pytest.fixture
def table() -> PredictionsTable:
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=["a", "b", "c", "d"],
        labels=["Normal", "Normal", "Malignant", "Normal"],
        probabilities=np.array([[0.9, 0.1, 0.0], [0.3, 0.6, 0.1], [0.2, 0.1, 0.7], [0.8, 0.1, 0.1]]),
        case_id=["1", "2", "3", "4"],
    )


@pytest.fixture
def pictures() -> np.ndarray:
    pictures = np.zeros((4, SIDE, SIDE), np.uint8)
    pictures[:, 4:8, 4:8] = 200
    return pictures


def run(model, pictures, table, masks, out, **options):
    return explain_run(
        model,
        RECORD,
        pictures,
        table,
        masks=masks,
        all_shapes_masks={row: np.ones_like(mask) for row, mask in masks.items()},
        out=out,
        options=ExplanationOptions(**options),
        resampling=Resampling(100),
        seed=5,
    )


def spot() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[4:8, 4:8] = 1
    return mask


def test_maps_of_the_true_class_are_scored_and_every_file_is_written(grey_model, pictures, table, tmp_path, caplog):
    # The map of Normal is the bright square, exactly the lesion; that of Malignant is negative everywhere, so 0.
    with caplog.at_level(logging.WARNING, "osteolens"):
        report = run(grey_model, pictures, table, {0: spot(), 2: spot(), 3: spot()}, tmp_path, gallery_size=1)
    assert report["method"] == "closed_form"
    assert (report["n"], report["zero_maps"]) == (3, 1)
    assert report["per_class"]["Normal"]["iou_0.5"]["value"] == 1
    assert report["per_class"]["Malignant"]["iou_0.5"]["value"] == 0
    assert report["overall"]["iou_0.5"]["value"] == pytest.approx(2 / 3)
    assert report["all_shapes"]["energy"]["value"] == 1
    assert any("1 of 3 maps" in record.getMessage() for record in caplog.records)
    stored = read_json(tmp_path / "annotation_report.json")
    assert stored["overall"] == report["overall"]
    assert stored["predictions_sha256"] == predictions_sha256(table)
    assert stored["resolution"] == [SIDE, SIDE]
    scores = pd.read_csv(tmp_path / "annotation_scores.csv").set_index("image_id")
    assert scores["iou_0.5"].to_dict() == {"a": 1, "c": 0, "d": 1}
    assert scores["zero"].to_dict() == {"a": False, "c": True, "d": False}
    assert scores["area_share"].tolist() == [1 / 16] * 3
    assert scores["size_band"].tolist() == ["3-10%"] * 3
    assert scores["all_shapes_energy"].to_dict() == {"a": 1, "c": pytest.approx(np.nan, nan_ok=True), "d": 1}
    listed = read_json(tmp_path / "map_pictures.json")
    assert listed["predictions_sha256"] == predictions_sha256(table)
    assert [image["image_id"] for image in listed["images"]] == ["a", "b", "c", "d"]  # b is in a gallery
    for name in ("gallery_Normal", "gallery_Benign", "gallery_Malignant", "annotation_comparison"):
        picture = cv2.imread(str(tmp_path / f"{name}.png"))
        assert picture is not None
        assert picture.std() > 0


def test_a_map_of_no_class_is_called_so(grey_model, pictures, table, tmp_path):
    report = run(grey_model, pictures, table, {0: spot()}, tmp_path, method="eigencam", gallery_size=1)
    assert report["method"] == "eigencam"
    assert report["map_class"] == "none, eigencam asks for no class"
    assert read_json(tmp_path / "gallery_index.json")["map_class"] == "none, eigencam asks for no class"


def test_maps_of_the_galleries_without_evidence_are_counted(grey_model, pictures, table, tmp_path, caplog):
    # Shown are a, b and c, and of b, which is Normal, two maps. The evidence for Benign, which b was answered, is grey
    # minus grey, and that for Malignant, the answer to c, is negative.
    with caplog.at_level(logging.WARNING, "osteolens"):
        run(grey_model, pictures, table, {}, tmp_path, gallery_size=1)
    assert "2 of 4 maps in the galleries are 0 everywhere" in caplog.text


def test_scores_and_pictures_show_the_map_over_an_even_division(paper_model, tmp_path):
    """A lesion around the second cell of each side, 32 to 64 of 128 pixels, and evidence in that cell alone."""
    side = 128

    class Evidence(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            grey = torch.nn.functional.avg_pool2d(images, 32)
            return torch.cat([grey, -grey], dim=1)

    paper_model.network.evidence = Evidence()
    mask = np.zeros((side, side), np.uint8)
    mask[36:60, 36:60] = 1
    table = PredictionsTable.from_arrays(
        CLASSES, image_ids=["a"], labels=["Normal"], probabilities=np.array([[0.9, 0.1, 0.0]]), case_id=["1"]
    )
    report = explain_run(
        paper_model,
        Preprocessing(size=side, channels=1, mean=(0.0,), std=(1.0,)),
        (200 * mask)[None],
        table,
        masks={0: mask},
        all_shapes_masks={0: mask},
        out=tmp_path,
        options=ExplanationOptions(iou_thresholds=(0.6,)),
        resampling=Resampling(100),
        seed=5,
    )
    assert report["resolution"] == (4, 4)
    assert report["overall"]["pointing_game"]["value"] == 1
    heat = torch.nn.functional.interpolate(torch.eye(4)[1][None, None], size=side, mode="linear")[0, 0].numpy()
    marked = np.outer(heat, heat) >= 0.6 * heat.max() ** 2
    expected = (marked & (mask > 0)).sum() / (marked | (mask > 0)).sum()
    assert report["overall"]["iou_0.6"]["value"] == pytest.approx(expected)


def test_the_index_tells_what_the_galleries_show(grey_model, pictures, table, tmp_path):
    run(grey_model, pictures, table, {2: spot()}, tmp_path, gallery_size=1)
    groups = read_json(tmp_path / "gallery_index.json")["galleries"]["Normal"]["groups"]
    assert [(kind, group["total"], len(group["shown"])) for kind, group in groups.items()] == [
        ("TP", 2, 1),
        ("FP", 0, 0),
        ("FN", 1, 1),
    ]
    rows = pd.read_csv(tmp_path / "gallery_index.csv")
    assert rows["image_id"].tolist() == ["a", "b", "b", "b", "b", "c"]  # b, a wrong answer, twice with two maps
    assert rows["map_class"].tolist() == ["Normal", "Benign", "Normal", "Benign", "Normal", "Malignant"]
    assert rows["annotated"].tolist() == [False, False, False, False, False, True]


@pytest.mark.parametrize("masks", [{}, {1: np.zeros((SIDE, SIDE), np.uint8)}])
def test_without_annotations_there_are_galleries_and_a_report_that_says_so(
    grey_model, pictures, table, masks, tmp_path
):
    report = run(grey_model, pictures, table, masks, tmp_path)
    assert report["n"] == 0
    assert report["annotations_outside_the_input"] == len(masks)
    assert report["overall"]["iou_0.5"]["reason"] == "no annotated image"
    assert (tmp_path / "gallery_Normal.png").exists()
    assert not (tmp_path / "annotation_comparison.png").exists()
    scores = pd.read_csv(tmp_path / "annotation_scores.csv")
    assert len(scores) == 0
    assert {"image_id", "size_band", "ceiling"} <= set(scores)


def test_what_does_not_belong_together_is_refused(grey_model, pictures, table, tmp_path):
    with pytest.raises(EvaluationError, match="3 pictures"):
        run(grey_model, pictures[:3], table, {}, tmp_path)
    with pytest.raises(EvaluationError, match=r"row\(s\) \[4\]"):
        run(grey_model, pictures, table, {4: spot()}, tmp_path)
    with pytest.raises(EvaluationError, match="mask of all shapes"):
        explain_run(
            grey_model,
            RECORD,
            pictures,
            table,
            masks={0: spot()},
            all_shapes_masks={},
            out=tmp_path,
            options=ExplanationOptions(),
            resampling=Resampling(),
            seed=5,
        )
