"""``osteolens infer --cases``."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from command import osteolens


@pytest.fixture
def call(small_checkpoint: Path, picture_folder: Path) -> list[str]:
    out = picture_folder.parent / "out"
    return [
        "infer",
        *(str(picture_folder / name / "knee.png") for name in "ab"),
        "--checkpoint",
        str(small_checkpoint),
        "--out",
        str(out),
        "-q",
    ]


def test_two_views_are_answered_by_the_geometric_mean_of_their_probabilities(
    call: list[str], picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = picture_folder.parent / "patients.csv"
    table.write_text("image,case\na/knee.png,anna\nb/knee.png,anna\n")
    assert osteolens(*call, "--cases", str(table)) == 0
    assert "anna" in capsys.readouterr().out
    out = picture_folder.parent / "out"
    views = [row["probabilities"] for row in json.loads((out / "predictions.json").read_text())["predictions"]]
    (case,) = json.loads((out / "cases.json").read_text())["cases"]
    means = {name: math.sqrt(views[0][name] * views[1][name]) for name in views[0]}
    expected = {name: value / sum(means.values()) for name, value in means.items()}
    assert case["answer"]["probabilities"] == pytest.approx(expected, rel=1e-9)
    assert case["images"] == ["a/knee.png", "b/knee.png"]


def test_a_picture_without_a_case_is_refused_before_anything_is_answered(
    call: list[str], picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = picture_folder.parent / "patients.csv"
    table.write_text("image,case\na/knee.png,anna\n")
    assert osteolens(*call, "--cases", str(table)) == 1
    assert "tells no case of b/knee.png" in capsys.readouterr().err
    assert not (picture_folder.parent / "out" / "predictions.json").exists()
