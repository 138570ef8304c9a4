from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from osteolens.config import ExplanationOptions
from osteolens.inference.batch import infer
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import list_pictures


def test_good_pictures_are_answered_and_bad_ones_listed(
    predictor: Predictor, picture_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = infer(predictor, list_pictures(picture_folder), out, explanation=ExplanationOptions())
    assert [answer.image for answer in result.answers] == ["a/knee.png", "b/knee.png"]
    assert [failure.image for failure in result.failures] == ["broken.jpg", "moving.gif"]
    written = json.loads((out / "predictions.json").read_text())
    assert "Not for clinical use" in written["notice"]
    assert [row["image"] for row in written["failures"]] == ["broken.jpg", "moving.gif"]
    table = pd.read_csv(out / "predictions.csv")
    assert table["image"].tolist() == ["a/knee.png", "b/knee.png"]
    assert table[["prob_Normal", "prob_Benign", "prob_Malignant"]].sum(axis=1).tolist() == pytest.approx(
        [1, 1], abs=1e-5
    )


def test_overlays_have_the_size_of_the_picture(predictor: Predictor, picture_folder: Path, tmp_path: Path) -> None:
    infer(predictor, list_pictures(picture_folder), tmp_path, explanation=ExplanationOptions())
    with Image.open(tmp_path / "overlays/a/knee.png.png") as overlay:
        assert (overlay.size, overlay.mode) == ((100, 150), "RGB")


def test_one_picture_is_answered_as_in_a_batch(predictor: Predictor, picture_folder: Path, tmp_path: Path) -> None:
    batch = infer(predictor, list_pictures(picture_folder), tmp_path / "batch")
    single = infer(predictor, [picture_folder / "b" / "knee.png"], tmp_path / "single")
    assert single.answers[0].image == "knee.png"
    assert single.answers[0].probabilities == pytest.approx(batch.answers[1].probabilities, abs=1e-6)
    assert single.answers[0].label == max(
        single.answers[0].probabilities, key=lambda name: single.answers[0].probabilities[name]
    )
