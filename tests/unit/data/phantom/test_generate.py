"""The written data set: layout, tables, annotations, repeatability, and what happens when it cannot be written."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import simplejpeg

from osteolens.data.phantom import generate_phantom
from osteolens.errors import DataError, StorageError

BONES = ["hand", "ulna", "radius", "humerus", "foot", "tibia", "fibula", "femur", "hip bone"]
JOINTS = ["ankle-joint", "knee-joint", "hip-joint", "wrist-joint", "elbow-joint", "shoulder-joint"]
SITES = [*BONES, *JOINTS]
BENIGN = [
    "osteochondroma",
    "multiple osteochondromas",
    "simple bone cyst",
    "giant cell tumor",
    "osteofibroma",
    "synovial osteochondroma",
    "other bt",
]
MALIGNANT = ["osteosarcoma", "other mt"]
RELEASE_COLUMNS = [
    *["image_id", "center", "age", "gender"],
    *SITES,
    *["tumor", "benign", "malignant"],
    *BENIGN,
    *MALIGNANT,
    *["upper limb", "lower limb", "pelvis", "frontal", "lateral", "oblique"],
]
SOURCES = {1: {"hospital_b", "hospital_y", "hospital_g"}, 2: {"radiopaedia"}, 3: {"medpix"}}


@pytest.fixture(scope="session")
def table(phantom: Path) -> pd.DataFrame:
    return pd.read_csv(phantom / "dataset.csv")


@pytest.fixture(scope="session")
def annotations(phantom: Path) -> dict[str, dict[str, object]]:
    files = sorted((phantom / "Annotations").iterdir())
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def digests(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_layout(phantom: Path, table: pd.DataFrame) -> None:
    assert {path.name for path in phantom.iterdir()} == {
        "images",
        "Annotations",
        "dataset.csv",
        "dataset.xlsx",
        "cases.csv",
        "truth.csv",
        "phantom.json",
    }
    assert sorted(path.name for path in (phantom / "images").iterdir()) == sorted(table["image_id"])
    assert [name[:9] for name in table["image_id"]] == [f"IMG{number:06d}" for number in range(1, 201)]
    suffixes = Counter(Path(name).suffix for name in table["image_id"])
    assert suffixes.keys() == {".jpeg", ".jpg"}
    assert 1 <= suffixes[".jpg"] <= 10


def test_pictures_are_jpeg_around_the_asked_size_and_nearly_all_grey(phantom: Path, table: pd.DataFrame) -> None:
    sides, in_colour = [], []
    for name in table["image_id"]:
        height, width, colours, _ = simplejpeg.decode_jpeg_header((phantom / "images" / name).read_bytes())
        in_colour += [name] * (colours != "Gray")
        sides.append(max(height, width))
    assert 0.9 * 96 <= np.median(sides) <= 1.1 * 96
    truth = pd.read_csv(phantom / "truth.csv")
    assert in_colour == truth.loc[truth["colouring"].notna(), "image_id"].tolist()
    assert len(in_colour) == 2  # 1.2% of 200


def test_columns_are_those_of_the_release(phantom: Path, table: pd.DataFrame) -> None:
    assert list(table.columns) == RELEASE_COLUMNS
    assert len(RELEASE_COLUMNS) == 37
    sheet = pd.read_excel(phantom / "dataset.xlsx", engine="openpyxl")
    pd.testing.assert_frame_equal(sheet, table, check_dtype=False)


@pytest.mark.real_data
def test_columns_equal_the_release_itself(btxrd256: Path, table: pd.DataFrame) -> None:
    assert list(table.columns) == list(pd.read_csv(btxrd256 / "dataset.csv", nrows=1).columns)


def test_labels_are_consistent(table: pd.DataFrame) -> None:
    assert (table["benign"] + table["malignant"] == table["tumor"]).all()
    assert (table[BENIGN].sum(axis=1) == table["benign"]).all()
    assert (table[MALIGNANT].sum(axis=1) == table["malignant"]).all()
    assert ((table[SITES].sum(axis=1) > 0) == (table["tumor"] == 1)).all()
    assert (table[["upper limb", "lower limb", "pelvis"]].sum(axis=1) == 1).all()
    assert (table[["frontal", "lateral", "oblique"]].sum(axis=1) == 1).all()
    assert table["age"].between(1, 88).all()
    assert set(table["gender"]) == {"F", "M"}


def test_proportions(table: pd.DataFrame) -> None:
    assert table["malignant"].sum() == 24  # 12% of a small set
    assert table["benign"].sum() == 82  # 41%
    assert table["center"].value_counts(normalize=True)[1] == pytest.approx(0.78, abs=0.06)


def test_cases(phantom: Path, table: pd.DataFrame) -> None:
    cases = pd.read_csv(phantom / "cases.csv")
    assert list(cases.columns) == ["image_id", "case_id", "grouping", "source"]
    assert (cases["image_id"] == table["image_id"]).all()
    assert set(cases["grouping"]) == {"phantom_case"}
    merged = table.merge(cases, on="image_id")
    for _, views in merged.groupby("case_id"):
        same = ["center", "age", "gender", "malignant", "source", *SITES, *BENIGN, *MALIGNANT]
        assert len(views[same].drop_duplicates()) == 1
        assert len(views) <= (4 if views["tumor"].iloc[0] else 2)
    assert all(source in SOURCES[center] for center, source in zip(merged["center"], merged["source"], strict=True))
    malignant_cases = merged[merged["malignant"] == 1].groupby("center")["case_id"].nunique()
    assert malignant_cases.min() >= 2
    assert len(malignant_cases) == 3
    assert 1.4 <= merged[merged["tumor"] == 1].groupby("case_id").size().mean() <= 2.3


def test_every_tumour_and_nothing_else_is_annotated(
    table: pd.DataFrame, annotations: dict[str, dict[str, object]]
) -> None:
    assert set(annotations) == {Path(name).stem for name in table.loc[table["tumor"] == 1, "image_id"]}


def test_annotations_have_the_keys_of_the_release(phantom: Path, annotations: dict[str, dict[str, object]]) -> None:
    for stem, record in annotations.items():
        assert list(record) == ["version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"]
        assert record["version"] == "5.4.1"
        assert record["imageData"] is None
        assert Path(str(record["imagePath"])).stem == stem
        picture = cv2.imread(str(phantom / "images" / str(record["imagePath"])), cv2.IMREAD_UNCHANGED)
        assert picture.shape[:2] == (record["imageHeight"], record["imageWidth"])


def test_every_lesion_is_drawn_as_box_and_outline(
    table: pd.DataFrame, annotations: dict[str, dict[str, object]]
) -> None:
    subtype_of = {Path(row["image_id"]).stem: row for _, row in table.iterrows()}
    for stem, record in annotations.items():
        shapes = record["shapes"]
        assert isinstance(shapes, list)
        assert shapes
        assert len(shapes) % 2 == 0
        for box, outline in zip(shapes[::2], shapes[1::2], strict=True):
            assert (box["shape_type"], outline["shape_type"]) == ("rectangle", "polygon")
            assert box["label"] == outline["label"]
            assert subtype_of[stem][box["label"]] == 1
            corners, points = np.array(box["points"]), np.array(outline["points"])
            assert (corners[0] <= points.min(0)).all()
            assert (corners[1] >= points.max(0)).all()
            assert (np.abs(corners - [points.min(0), points.max(0)]) <= 4).all()
            assert len(points) >= 3
            assert (points >= 0).all()
            assert (points <= (record["imageWidth"], record["imageHeight"])).all()  # type: ignore[operator]


def test_lesions_cover_a_plausible_share(annotations: dict[str, dict[str, object]]) -> None:
    shares = []
    for record in annotations.values():
        mask = np.zeros((record["imageHeight"], record["imageWidth"]), np.uint8)  # type: ignore[arg-type]
        for shape in record["shapes"]:  # type: ignore[attr-defined]
            if shape["shape_type"] == "polygon":
                cv2.fillPoly(mask, [np.array(shape["points"], dtype=np.int32)], 1)
        shares.append(mask.mean())
    assert 0.01 <= np.median(shares) <= 0.03
    assert np.quantile(shares, 0.99) <= 0.10
    assert np.quantile(shares, 0.05) >= 0.002


def test_one_pair_of_identical_files(phantom: Path) -> None:
    names = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in (phantom / "images").iterdir())
    assert sorted(names.values())[-2:] == [1, 2]


def test_same_options_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate_phantom(tmp_path / name, images=30, longest_side=96, seed=3)
    generate_phantom(tmp_path / "c", images=30, longest_side=96, seed=4)
    first, second, third = (digests(tmp_path / name) for name in "abc")
    assert first == second
    pictures = {name for name in first if name.startswith("images/")}
    assert not {first[name] for name in pictures} & {third.get(name) for name in pictures}


def test_a_complete_folder_is_left_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "phantom"
    generate_phantom(root, images=30, longest_side=96, seed=3)
    (root / "images" / "IMG000001.jpeg").unlink()
    before = digests(root)
    generate_phantom(root, images=30, longest_side=96, seed=3)
    assert digests(root) == before


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="Choose another folder"):
        generate_phantom(tmp_path, images=30, longest_side=96, seed=3)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_other_options_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "phantom"
    generate_phantom(root, images=30, longest_side=96, seed=3)
    with pytest.raises(DataError, match="Choose another folder"):
        generate_phantom(root, images=30, longest_side=96, seed=4)


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    generate_phantom(tmp_path / "x", images=30, longest_side=96, seed=3)
    (tmp_path / "empty").mkdir()
    generate_phantom(tmp_path / "empty", images=30, longest_side=96, seed=3)
    assert digests(tmp_path / "empty") == digests(tmp_path / "x")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot write"):
        generate_phantom(tmp_path / "file" / "phantom", images=30, longest_side=96, seed=3)


def test_killed_generation_leaves_no_data_set(tmp_path: Path) -> None:
    root = tmp_path / "phantom"
    code = (
        "from pathlib import Path; from osteolens.data.phantom import generate_phantom;"
        f"generate_phantom(Path({str(root)!r}), images=5000, longest_side=96, seed=3)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".phantom.*/images/*.jpeg")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not root.exists()
    generate_phantom(root, images=30, longest_side=96, seed=3)
    assert (root / "phantom.json").exists()
