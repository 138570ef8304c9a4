from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import osteolens


def test_one_radiograph_and_class_to_one_file(
    small_checkpoint: Path, picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, out = picture_folder / "a" / "knee.png", tmp_path / "shown.png"
    source = ("--image", image, "--checkpoint", small_checkpoint, "--class", "Malignant", "-q")
    assert osteolens("gradcam", *source, "--out", out) == 0
    assert out.is_file()
    told = capsys.readouterr().out
    assert "1 explained, 0 not" in told
    assert "Not for clinical use" in told
    assert osteolens("gradcam", *source, "--out", out, "--json") == 0
    (entry,) = json.loads(capsys.readouterr().out)["maps"]
    assert (entry["image"], entry["class"], entry["overlay"]) == ("knee.png", "Malignant", "shown.png")


def test_a_folder_with_bad_files_ends_with_code_1(
    small_checkpoint: Path, picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    source = ("--input-dir", picture_folder, "--checkpoint", small_checkpoint, "-q")
    assert osteolens("gradcam", *source, "--out", out, "--class", "all", "--maps", "png") == 1
    told = capsys.readouterr().out
    assert "2 explained, 2 not" in told
    assert "broken.jpg" in told
    assert len(json.loads((out / "index.json").read_text())["maps"]) == 6
    assert len(list(out.glob("maps/*/knee.png_*.png"))) == 6
    assert osteolens("gradcam", *source, "--class", "Femur", "--out", out) == 2
    assert "answers with Normal, Benign, Malignant" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--class", "Benign", "--maps", "npy"], "--class, --maps can be used with --image FILE or --input-dir FOLDER"),
        (["--image", "a.png", "--split", "case", "--proof"], "--split, --proof can be used for a run only"),
        (["--input-dir", "in", "--data", "btxrd"], "--data can be used for a run only"),
        (["--image", "a.png", "--checkpoint", "c.pt", "--maps", "tiff"], "--maps is png or npy, not tiff"),
        (["--image", "a.png", "--checkpoint", "c.pt", "--out", "a.png"], "is the radiograph itself"),
        (["--image", "a.png", "--checkpoint", "c.pt", "--out", "a.jpg"], "--out writes PNG"),
        (["--input-dir", "in", "--checkpoint", "c.pt", "--out", "all.png"], "must not be the file all.png"),
        (["--input-dir", "in", "--checkpoint", "c.pt", "--out", "in/made"], "lies in --input-dir in"),
        (["--input-dir", ".", "--checkpoint", "c.pt"], "lies in --input-dir ."),
    ],
)
def test_options_that_do_not_belong_together_are_told(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert osteolens("gradcam", *arguments) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_infer_does_not_lay_overlays_among_its_radiographs(
    small_checkpoint: Path, picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ("--input-dir", picture_folder, "--checkpoint", small_checkpoint, "--out", picture_folder / "out", "-q")
    assert osteolens("infer", *source, "--gradcam") == 2
    assert "would take the pictures that this one makes for radiographs" in capsys.readouterr().err
    assert osteolens("infer", *source) == 1  # the two bad files; a table lies nowhere in the way
