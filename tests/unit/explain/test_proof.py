from __future__ import annotations

import numpy as np
import pytest
import torch

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.explain.proof import prove_run
from osteolens.models.classifier import BTXRDClassifier
from osteolens.storage import read_json

SIDE = 32
RECORD = Preprocessing(size=SIDE)


def proven(tmp_path, **options):
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 255, (8, SIDE, SIDE)).astype(np.uint8)
    table = PredictionsTable.from_arrays(
        ("Normal", "Benign", "Malignant"),
        image_ids=list("abcdefgh"),
        labels=["Normal", "Benign"] * 4,
        probabilities=np.tile([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], (4, 1)),
        case_id=list("aabbccdd"),
    )
    return prove_run(
        BTXRDClassifier("mobilenetv2_050", 3),
        RECORD,
        pictures,
        table,
        out=tmp_path,
        options=ExplanationOptions(**options),
        resampling=Resampling(100),
        seed=5,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("proof")


@pytest.fixture(scope="module")
def report(folder):
    return proven(folder, proof_images=6)


def test_as_many_images_as_asked_for_are_tried(report, folder):
    assert (report["n"], report["of_images"], report["split"]) == (6, 8, "test")
    assert read_json(folder / "sanity.json")["randomisation"] == report["randomisation"]
    assert (folder / "sanity.png").stat().st_size > 10_000
    assert (folder / "sanity.svg").read_text().rstrip().endswith("</svg>")


def test_every_stage_has_its_figures(report):
    steps = report["randomisation"]["steps"]
    assert steps[0]["stage"] == "classifier"
    assert steps[-1]["stage"].startswith("conv_stem")
    assert set(steps[0]) == {"stage", "spearman", "overlap", "same_maximum"}


def test_areas_differences_and_curves(report):
    found = report["deletion_insertion"]
    for kind in ("deletion", "insertion"):
        areas = {order: entry["value"] for order, entry in found[kind]["auc"].items()}
        assert found[kind]["differences"]["random"]["value"] == pytest.approx(areas["map"] - areas["random"])
        for order, curve in found[kind]["curves"].items():
            assert np.trapezoid(curve, found["shares"]) == pytest.approx(areas[order])
    answered = found["per_answered_class"]
    assert answered["Normal"]["n"] + answered["Benign"]["n"] == 6
    assert answered["Malignant"]["deletion"]["auc"]["map"]["reason"] == "no image"
    assert "blurred" in found["fill"]


@pytest.mark.usefixtures("report")
def test_the_same_seed_gives_the_same_proof(folder, tmp_path):
    proven(tmp_path, proof_images=6)
    assert (tmp_path / "sanity.json").read_text() == (folder / "sanity.json").read_text()
