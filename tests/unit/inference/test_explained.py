from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from osteolens.config import ExplanationOptions
from osteolens.data.images import read_grey
from osteolens.errors import ConfigError
from osteolens.inference.batch import infer
from osteolens.inference.explained import COLUMNS, Destination, explain_files, wanted_classes
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import list_pictures
from osteolens.storage import read_json

CLASSES = ("Normal", "Benign", "Malignant")
OPTIONS = ExplanationOptions()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_the_answered_class_is_shown_and_the_index_tells_it(
    predictor: Predictor, picture_folder: Path, out: Path
) -> None:
    paths = list_pictures(picture_folder)
    answers = infer(predictor, paths, out / "answers").answers
    result = explain_files(predictor, paths, Destination(out), options=OPTIONS)
    index = read_json(out / "index.json")
    assert index == result.to_dict(predictor)
    assert [row["image"] for row in index["failures"]] == ["broken.jpg", "moving.gif"]
    for row, answer in zip(index["maps"], answers, strict=True):
        assert (row["image"], row["class"], row["answered"]) == (answer.image, answer.label, answer.label)
        assert row["probability"] == pytest.approx(answer.probabilities[answer.label], abs=1e-6)
        assert row["answer_probability"] == row["probability"]
        assert (row["method"], row["resolution"], row["cells"]) == ("closed_form", "native", "1 x 1")
        assert (out / row["overlay"]).is_file()
        assert row["map"] is None
    table = pd.read_csv(out / "index.csv")
    assert table.columns.tolist() == list(COLUMNS)
    assert table["overlay"].tolist() == ["overlays/a/knee.png.png", "overlays/b/knee.png.png"]
    assert not (out / "maps").exists()


@pytest.mark.parametrize("kind", ["npy", "png"])
def test_every_class_with_the_maps_themselves(predictor: Predictor, picture_folder: Path, out: Path, kind: str) -> None:
    paths = [picture_folder / "a" / "knee.png"]
    result = explain_files(predictor, paths, Destination(out, kind), options=OPTIONS, class_name="all")
    assert [entry["class"] for entry in result.entries] == list(CLASSES)
    assert sum(entry["probability"] for entry in result.entries) == pytest.approx(1, abs=1e-5)
    assert {entry["answer_probability"] for entry in result.entries} == {max(e["probability"] for e in result.entries)}
    for entry in result.entries:
        assert entry["map"] == f"maps/knee.png_{entry['class']}.{kind}"
        path = out / entry["map"]
        heat = np.load(path) if kind == "npy" else np.asarray(Image.open(path))
        assert heat.shape == (150, 100)
        assert heat.dtype == (np.float32 if kind == "npy" else np.uint16)
        # one cell a side: a map is 0 everywhere or at its maximum everywhere
        highest = 1 if kind == "npy" else 65535
        assert (heat == (0 if entry["zero_map"] else highest)).all()
    assert {entry["zero_map"] for entry in result.entries} == {True, False}


def test_the_radiograph_stands_in_the_picture_as_it_is(predictor: Predictor, picture_folder: Path, out: Path) -> None:
    path = picture_folder / "b" / "knee.png"
    explain_files(predictor, [path], Destination(out), options=OPTIONS, class_name="Benign")
    shown, grey = np.asarray(Image.open(out / "overlays" / "knee.png.png")), read_grey(path)
    height, width = grey.shape
    places = np.argwhere(
        (shown[: -height + 1, : -width + 1, 0] == grey[0, 0])
        & (shown[: -height + 1, width - 1 :, 0] == grey[0, -1])
        & (shown[height - 1 :, : -width + 1, 0] == grey[-1, 0])
    )
    whole = [
        (top, left)
        for top, left in places.tolist()
        if (shown[top : top + height, left : left + width] == grey[..., None]).all()
    ]
    assert len(whole) >= 1


def test_one_file_is_written_where_one_is_named(predictor: Predictor, picture_folder: Path, out: Path) -> None:
    files = Destination(out / "knee.png", "npy")
    paths = [picture_folder / "a" / "knee.png"]
    result = explain_files(predictor, paths, files, options=OPTIONS, class_name="Malignant")
    assert sorted(path.name for path in out.iterdir()) == ["knee.png", "knee_Malignant_map.npy"]
    assert (result.entries[0]["overlay"], result.entries[0]["map"]) == ("knee.png", "knee_Malignant_map.npy")


def test_a_folder_of_bad_files_gives_an_empty_index(predictor: Predictor, picture_folder: Path, out: Path) -> None:
    result = explain_files(predictor, [picture_folder / "broken.jpg"], Destination(out), options=OPTIONS)
    assert (len(result.entries), len(result.failures)) == (0, 1)
    assert pd.read_csv(out / "index.csv").columns.tolist() == list(COLUMNS)


def test_a_method_of_no_class_says_so(predictor: Predictor, picture_folder: Path, out: Path) -> None:
    options = ExplanationOptions(method="eigencam")
    paths = [picture_folder / "a" / "knee.png"]
    (entry,) = explain_files(predictor, paths, Destination(out), options=options).entries
    assert (entry["class"], entry["method"]) == ("none, eigencam asks for no class", "eigencam")
    with pytest.raises(ConfigError, match=r"of no class\. Leave --class out"):
        wanted_classes(CLASSES, "Benign", options)


def test_a_class_is_looked_up_among_those_of_the_network() -> None:
    assert wanted_classes(CLASSES, None, OPTIONS) is None
    assert wanted_classes(CLASSES, "Benign", OPTIONS) == ("Benign",)
    assert wanted_classes(CLASSES, "all", OPTIONS) == CLASSES
    assert wanted_classes(("all", "none"), "all", OPTIONS) == ("all",)
    with pytest.raises(ConfigError, match=r"--class benign is not a class .* Normal, Benign, Malignant"):
        wanted_classes(CLASSES, "benign", OPTIONS)
