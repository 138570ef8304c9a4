from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from untrained import untrained

from osteolens.config import load_config
from osteolens.errors import DataError
from osteolens.inference.batch import infer, list_pictures
from osteolens.inference.predictor import Predictor
from osteolens.models.checkpoint import save_checkpoint


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    config = load_config(None, ["model.backbone=mobilenetv2_050", "data.image_size=32", "data.resize=letterbox"])
    path = save_checkpoint(tmp_path_factory.mktemp("model") / "net.pt", untrained(config))
    return Predictor.from_checkpoint(path, "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of other sizes in two sub-folders under one name, a broken one, a GIF and a text file."""
    root = tmp_path / "in"
    rng = np.random.default_rng(0)
    for name, shape in (("a/knee.png", (90, 60)), ("b/knee.png", (50, 120))):
        (root / name).parent.mkdir(parents=True)
        cv2.imwrite(str(root / name), rng.integers(0, 255, shape, dtype=np.uint8))
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    Image.new("L", (40, 40)).save(root / "moving.gif")
    (root / "notes.txt").write_text("not a picture")
    return root


def test_good_pictures_are_answered_and_bad_ones_listed(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = infer(predictor, list_pictures(folder), out, gradcam=True)
    assert [answer.image for answer in result.predictions] == ["a/knee.png", "b/knee.png"]
    assert [name for name, _ in result.failures] == ["broken.jpg", "moving.gif"]
    written = json.loads((out / "predictions.json").read_text())
    assert "Not for clinical use" in written["notice"]
    assert [row["image"] for row in written["failures"]] == ["broken.jpg", "moving.gif"]
    table = pd.read_csv(out / "predictions.csv")
    assert table["image"].tolist() == ["a/knee.png", "b/knee.png"]
    assert table[["prob_Normal", "prob_Benign", "prob_Malignant"]].sum(axis=1).tolist() == pytest.approx(
        [1, 1], abs=1e-5
    )


def test_overlays_have_the_size_of_the_picture(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    infer(predictor, list_pictures(folder), tmp_path, gradcam=True)
    with Image.open(tmp_path / "overlays/a/knee.png.png") as overlay:
        assert (overlay.size, overlay.mode) == ((60, 90), "RGB")


def test_one_picture_is_answered_as_in_a_batch(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    batch = infer(predictor, list_pictures(folder), tmp_path / "batch")
    single = infer(predictor, [folder / "b" / "knee.png"], tmp_path / "single")
    assert single.predictions[0].image == "knee.png"
    assert single.predictions[0].probabilities == pytest.approx(batch.predictions[1].probabilities, abs=1e-6)
    assert single.predictions[0].label == max(
        single.predictions[0].probabilities, key=lambda name: single.predictions[0].probabilities[name]
    )


def test_an_empty_or_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        list_pictures(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        list_pictures(tmp_path / "none")
