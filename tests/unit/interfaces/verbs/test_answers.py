"""``osteolens infer``: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from command import osteolens
from dicom_files import file_bytes, radiograph
from exported import lively_checkpoint, run_of
from limbs import limb
from PIL import Image


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    made = lively_checkpoint(root / "best.pt")
    run_of(made, root / "run")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two limbs, a blank picture, and a limb whose header says chest."""
    root = tmp_path / "in"
    root.mkdir()
    for index in range(2):
        cv2.imwrite(str(root / f"knee{index}.png"), limb(150, 120, seed=index))
    cv2.imwrite(str(root / "blank.png"), np.full((200, 200), 60, np.uint8))
    (root / "chest.dcm").write_bytes(file_bytes(radiograph(limb(140, 120), BodyPartExamined="CHEST")))
    return root


def test_answers_are_printed_with_their_key_and_refusals_end_with_code_1(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ("--checkpoint", checkpoint, "--run", checkpoint.parent / "run", "--input-dir", folder, "-q")
    assert osteolens("infer", *source, "--out", tmp_path / "out", "--gradcam") == 1
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == [
        *("answer", "Normal", "Benign", "Malignant", "set", "calls", "distance", "image")
    ]
    assert "probabilities: calibrated on validation images" in told
    assert "call 1: Malignant against the rest, high_sensitivity: y where the probability is above 0." in told
    assert "blank.png does not look like a radiograph: it is blank" in told
    assert "chest.dcm is a radiograph of the chest, as its header says." in told
    assert "2 answered, 2 not" in told
    assert "Not for clinical use" in told
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [(row["image"], row["gate"]) for row in written["failures"]] == [
        ("blank.png", "blank"),
        ("chest.dcm", "body-part"),
    ]
    for row in written["predictions"]:
        with Image.open(tmp_path / "out" / row["overlay"]) as overlay:
            assert overlay.size == (120, 150)
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert table.columns.tolist() == [
        *("image", "label", "prob_Normal", "prob_Benign", "prob_Malignant"),
        *("calibrated_Normal", "calibrated_Benign", "calibrated_Malignant", "conformal_set"),
        *("Malignant against the rest, high_sensitivity", "Malignant against the rest, high_specificity"),
        *("Any tumour against Normal, high_sensitivity", "Any tumour against Normal, high_specificity"),
        *("distance", "distance_limit", "is_novel", "accepted"),
    ]
    first = written["predictions"][0]
    assert table["calibrated_Benign"][0] == pytest.approx(first["decision"]["calibrated"]["Benign"], abs=1e-6)
    assert table["distance"][0] == pytest.approx(first["novelty"]["score"], abs=1e-3)


def test_accepted_gates_are_answered_and_said_everywhere(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ("--checkpoint", checkpoint, "--input-dir", folder, "--out", tmp_path / "out", "-q", "--gradcam")
    gates = ("--accept", "body-part", "--accept", "blank", "--accept", "few-greys")
    assert osteolens("infer", *source, *gates) == 0
    told = capsys.readouterr().out
    assert "warning: chest.dcm is a radiograph of the chest, as its header says; answered because of --accept" in told
    assert "uncalibrated: the checkpoint holds no decisions" in told
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert written["accept"] == ["blank", "body-part", "few-greys"]
    accepted = {row["image"]: [one["gate"] for one in row["accepted"]] for row in written["predictions"]}
    assert accepted == {
        "blank.png": ["blank", "few-greys"],
        "chest.dcm": ["body-part"],
        "knee0.png": [],
        "knee1.png": [],
    }
    table = pd.read_csv(tmp_path / "out" / "predictions.csv", keep_default_na=False)
    assert table["accepted"].tolist() == ["blank|few-greys", "body-part", "", ""]
    assert (tmp_path / "out" / "overlays" / "chest.dcm.png").is_file()


def test_json_goes_to_standard_output_and_is_what_is_written(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = ("--image", folder / "knee0.png", "--out", tmp_path / "out", "-q", "--json")
    assert osteolens("infer", "--checkpoint", checkpoint, "--run", checkpoint.parent / "run", *image) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert list(told) == [
        *("notice", "version", "checkpoint_sha256", "engine", "class_names", "uncalibrated", "caveats", "accept"),
        *("predictions", "failures"),
    ]
    (answer,) = told["predictions"]
    assert list(answer) == [
        *("image", "label", "probabilities", "decision", "novelty", "accepted", "overlay"),
    ]
    assert answer["overlay"] is None


def test_an_unknown_gate_is_a_usage_error(checkpoint: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("infer", "--checkpoint", checkpoint, "--input-dir", folder, "--accept", "chest") == 2
    assert "there is no gate chest" in capsys.readouterr().err
