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


CLASSES = ("Normal", "Benign", "Malignant")


def untrained() -> BTXRDClassifier:
    torch.manual_seed(0)
    return BTXRDClassifier("mobilenetv2_050", 3)


def proven(tmp_path, model=None, **options):
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 255, (8, SIDE, SIDE)).astype(np.uint8)
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=list("abcdefgh"),
        labels=["Normal", "Benign"] * 4,
        probabilities=np.tile([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], (4, 1)),
        case_id=list("aabbccdd"),
    )
    return prove_run(
        untrained() if model is None else model,
        RECORD,
        pictures,
        table,
        out=tmp_path,
        options=ExplanationOptions(random_draws=2, **options),
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
    written = read_json(folder / "sanity.json")
    assert written["drawn"] == report["drawn"]
    assert written["randomisation"]["unrelated"] == report["randomisation"]["unrelated"]
    assert (folder / "sanity.png").stat().st_size > 10_000
    assert (folder / "sanity.svg").read_text().rstrip().endswith("</svg>")


def test_as_many_images_of_each_answered_class(report):
    assert report["drawn"] == {
        "Normal": {"n": 3, "cases": 3, "of_images": 4},
        "Benign": {"n": 3, "cases": 3, "of_images": 4},
        "Malignant": {"n": 0, "cases": 0, "of_images": 0},
    }


def test_every_stage_has_its_figures(report):
    steps = report["randomisation"]["steps"]
    assert steps[0]["stage"] == "classifier"
    assert steps[-1]["stage"].startswith("conv_stem")
    assert set(steps[0]) == {"stage", "spearman", "overlap", "same_maximum", "of_draws"}


def test_the_mean_of_the_draws_and_the_draws(report):
    assert report["randomisation"]["draws"] == 2
    compared = 0
    for step in report["randomisation"]["steps"]:
        of_draws = step["of_draws"]["overlap"]
        assert len(of_draws) == 2
        if np.isfinite(of_draws).all() and step["overlap"]["n"] == 6:
            compared += 1
            assert step["overlap"]["value"] == pytest.approx(np.mean(of_draws))
    assert compared


def test_areas_differences_and_curves(report):
    found = report["deletion_insertion"]
    assert set(found["fills"]) == {"blurred", "scrambled"}
    for fill in found["fills"].values():
        for kind in ("deletion", "insertion"):
            areas = {order: entry["value"] for order, entry in fill[kind]["auc"].items()}
            for order in ("random", "body", "centre"):
                assert fill[kind]["differences"][order]["value"] == pytest.approx(areas["map"] - areas[order])
            for order, curve in fill[kind]["curves"].items():
                assert np.trapezoid(curve, found["shares"]) == pytest.approx(areas[order])
            of_classes = [fill["per_answered_class"][name][kind]["auc"]["map"]["value"] for name in CLASSES[:2]]
            assert np.mean(of_classes) == pytest.approx(areas["map"])  # 3 images each
        assert fill["per_answered_class"]["Malignant"]["deletion"]["auc"]["map"]["reason"] == "no image"
    assert "blurred" in found["fills"]["blurred"]["fill"]


def test_the_answer_to_a_fill_alone(report):
    for fill in report["deletion_insertion"]["fills"].values():
        assert list(fill["answer"]) == list(CLASSES)
        assert sum(fill["answer"].values()) == pytest.approx(1)
        assert fill["confident_of"] is None  # nothing was learnt


def test_a_confident_answer_to_the_fills_is_told(tmp_path):
    """A head whose bias alone decides answers Malignant whatever it is shown."""
    model = BTXRDClassifier("mobilenetv2_050", 3)
    torch.nn.init.zeros_(model.network.classifier.weight)
    model.network.classifier.bias.data = torch.tensor([0.0, 0.0, 3.0])
    found = proven(tmp_path, model, proof_images=2)["deletion_insertion"]
    assert found["confident_from"] == pytest.approx(2 / 3)
    for fill in found["fills"].values():
        assert fill["confident_of"] == "Malignant"
        assert fill["answer"]["Malignant"] == pytest.approx(np.exp(3) / (np.exp(3) + 2), abs=1e-4)


@pytest.mark.usefixtures("report")
def test_the_same_seed_gives_the_same_proof(folder, tmp_path):
    proven(tmp_path, proof_images=6)
    assert (tmp_path / "sanity.json").read_text() == (folder / "sanity.json").read_text()
