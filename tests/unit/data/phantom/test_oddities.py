"""Copies, wrong rows and coloured files come at the rates asked for, and the truth table names each."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from osteolens.config import PhantomOptions
from osteolens.data.phantom import generate_phantom
from osteolens.data.phantom.cases import plan_cases
from osteolens.data.phantom.oddities import plan_items
from osteolens.data.schema import read_metadata
from osteolens.errors import DataError

IMAGES, COPIES, CONFLICTS, ODDITIES, COLOURED, JPG = 100, 10, 4, 10, 6, 20
VIEWS, REGIONS = ["frontal", "lateral", "oblique"], ["upper limb", "lower limb", "pelvis"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "phantom"
    generate_phantom(
        folder,
        seed=3,
        images=IMAGES,
        longest_side=120,
        duplicate_rate=COPIES / IMAGES,
        duplicate_conflicts=CONFLICTS / COPIES,
        label_oddity_rate=ODDITIES / IMAGES,
        coloured_rate=COLOURED / IMAGES,
        jpg_rate=JPG / IMAGES,
    )
    return folder


@pytest.fixture(scope="module")
def truth(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "truth.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def table(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "dataset.csv")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_copies_are_identical_bytes_and_as_many_as_asked(root: Path, truth: pd.DataFrame) -> None:
    copies = truth[truth["copy_of"] != ""]
    assert len(copies) == COPIES
    for row in copies.itertuples():
        assert digest(root / "images" / str(row.image_id)) == digest(root / "images" / str(row.copy_of))
    repeated = Counter(digest(path) for path in (root / "images").iterdir())
    assert sum(count - 1 for count in repeated.values()) == COPIES


def test_some_copies_of_tumours_are_listed_as_normal(root: Path, truth: pd.DataFrame, table: pd.DataFrame) -> None:
    conflict = (truth["copy_of"] != "") & (table["tumor"] == 0) & (truth["label"] != "Normal")
    assert conflict.sum() == CONFLICTS
    cases = pd.read_csv(root / "cases.csv")
    for index in np.flatnonzero(conflict):
        original = int(np.flatnonzero(truth["image_id"] == truth["copy_of"][index])[0])
        assert truth["case_id"][index] == cases["case_id"][original] != cases["case_id"][index]
        assert table["tumor"][original] == 1
        assert not (root / "Annotations" / f"{truth['image_id'][index][:9]}.json").exists()


def test_every_other_row_tells_the_truth(root: Path, truth: pd.DataFrame, table: pd.DataFrame) -> None:
    cases = pd.read_csv(root / "cases.csv")
    same = truth["copy_of"] == ""
    assert (truth["case_id"] == cases["case_id"])[same].all()
    listed = np.select([table["malignant"] == 1, table["benign"] == 1], ["Malignant", "Benign"], "Normal")
    assert (truth["label"] == listed)[same].all()
    views = [row["view"] for _, row in truth.iterrows()]
    plain = ~truth["label_oddity"].isin(["no view"])
    assert all(table.loc[i, view] == 1 for i, view in enumerate(views) if plain[i])


def test_odd_rows_are_as_the_truth_table_names_them(root: Path, truth: pd.DataFrame, table: pd.DataFrame) -> None:
    kinds = Counter(kind for kind in truth["label_oddity"] if kind)
    assert kinds == {"two subtypes": 2, "two views": 2, "no view": 2, "two regions": 2, "other suffix": 2}
    views, regions = table[VIEWS].sum(axis=1), table[REGIONS].sum(axis=1)
    subtypes = table.loc[:, "osteochondroma":"other mt"].sum(axis=1)  # type: ignore[misc]
    for kind, counts, wrong in (
        ("two subtypes", subtypes - table["tumor"], 1),
        ("two views", views - 1, 1),
        ("no view", views - 1, -1),
        ("two regions", regions - 1, 1),
    ):
        assert ((counts == wrong) == (truth["label_oddity"] == kind)).all()
    files = {path.name for path in (root / "images").iterdir()}
    assert ([name not in files for name in table["image_id"]] == (truth["label_oddity"] == "other suffix")).all()


def test_the_reader_reports_odd_rows_and_goes_on(root: Path, truth: pd.DataFrame) -> None:
    metadata = read_metadata(root / "dataset.csv")
    assert len(metadata.frame) == IMAGES
    odd = truth.loc[truth["label_oddity"].isin(["two subtypes", "two views", "no view", "two regions"]), "image_id"]
    assert set(odd) <= set(metadata.violations["image_id"])
    assert set(metadata.violations["severity"]) == {"warning"}


def test_coloured_files(root: Path, truth: pd.DataFrame) -> None:
    found = []
    for name in truth["image_id"]:
        picture = cv2.imread(str(root / "images" / name), cv2.IMREAD_COLOR).astype(int)
        if np.ptp(picture, axis=2).max() > 20:
            found.append(name)
    assert found == truth.loc[truth["colouring"] != "", "image_id"].tolist()
    assert len(found) == COLOURED


def test_suffixes(root: Path) -> None:
    assert sum(path.suffix == ".jpg" for path in (root / "images").iterdir()) == JPG


def test_annotations_name_their_own_image(root: Path) -> None:
    files = {path.name for path in (root / "images").iterdir()}
    for path in (root / "Annotations").iterdir():
        name = json.loads(path.read_text(encoding="utf-8"))["imagePath"]
        assert name in files
        assert name[:9] == path.stem


def test_rates_of_nought_leave_nothing_odd() -> None:
    options = PhantomOptions(images=300, duplicate_rate=0, label_oddity_rate=0, coloured_rate=0, jpg_rate=0)
    items = plan_items(plan_cases(options, 1), options, 1)
    assert all(item.listed == item.shown for item in items)
    assert not any(item.copy_of or item.oddity or item.colouring for item in items)
    assert {item.image_id[9:] for item in items} == {".jpeg"}


def test_more_copies_than_there_is_room_for_are_refused() -> None:
    options = PhantomOptions(images=30, duplicate_rate=0.1, duplicate_conflicts=1.0)
    singles = tuple(case for case in plan_cases(options, 1) if case.subtype is not None)
    with pytest.raises(DataError, match=r"phantom\.duplicate_rate"):
        plan_items(singles, options, 1)
