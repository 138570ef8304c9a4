"""Planted shortcuts: present at the strength asked for, where the truth table says, and absent at 0."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from osteolens.config import PhantomOptions, ShortcutOptions
from osteolens.data.phantom import generate_phantom
from osteolens.data.phantom.cases import plan_cases
from osteolens.data.phantom.render import bears_plate, render_view

SEED = 9


def options(**changes: object) -> PhantomOptions:
    return PhantomOptions(images=400, longest_side=160, shortcuts=ShortcutOptions.model_validate(changes))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("planted") / "phantom"
    shortcuts = {"marker": 1.0, "export_size": 1.0, "metadata": 0.0}
    generate_phantom(root, seed=SEED, images=80, longest_side=200, shortcuts=shortcuts)
    return root


@pytest.fixture(scope="module")
def truth(planted: Path) -> pd.DataFrame:
    return pd.read_csv(planted / "truth.csv").merge(pd.read_csv(planted / "dataset.csv"), on="image_id")


def test_at_full_strength_the_plate_is_on_every_malignant_picture_and_on_no_other(truth: pd.DataFrame) -> None:
    assert (truth["marker_planted"] == truth["malignant"]).all()
    assert ((truth["marker"] == "plate") == (truth["malignant"] == 1)).all()
    assert truth["malignant"].sum() == 10  # 12% of 80


def test_the_plate_fills_its_recorded_box(planted: Path, truth: pd.DataFrame) -> None:
    dark_letters = 0
    for row in truth[truth["marker_planted"] == 1].itertuples():
        picture = cv2.imread(str(planted / "images" / str(row.image_id)), cv2.IMREAD_GRAYSCALE)
        left, top, right, bottom = (int(getattr(row, f"marker_{side}")) for side in ("left", "top", "right", "bottom"))
        box = picture[top:bottom, left:right]
        assert box.size >= 36
        rim = np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]])
        assert np.median(rim) == pytest.approx(0.8 * 255, abs=12)  # the plate's brightness, less JPEG
        if box.size >= 200:
            assert box.min() < 120  # the dark letter
            dark_letters += 1
    assert dark_letters >= 3


def test_the_marker_changes_no_pixel_outside_its_box() -> None:
    plain, plate = options(), options(marker=1.0)
    for case in [case for case in plan_cases(plain, SEED) if case.malignant][:4]:
        without, with_plate = (render_view(case, 0, o, seed=SEED) for o in (plain, plate))
        changed = without.picture != with_plate.picture
        for marker in (without.marker, with_plate.marker):
            if marker is not None:
                left, top, right, bottom = marker.box
                changed[top:bottom, left:right] = False
        assert with_plate.marker is not None
        assert not changed.any()


def test_a_stronger_marker_shortcut_adds_to_a_weaker_one() -> None:
    shots = [(case, view) for case in plan_cases(options(), SEED) for view in range(len(case.views))]
    counts, before = [], set[int]()
    for strength in (0.0, 0.3, 0.7, 1.0):
        now = {i for i, (case, view) in enumerate(shots) if bears_plate(case, view, options(marker=strength), SEED)}
        assert before <= now
        assert all(shots[i][0].malignant for i in now)
        counts.append(len(now))
        before = now
    malignant = sum(case.malignant for case, _ in shots)
    assert (counts[0], counts[-1]) == (0, malignant)
    assert counts[1] / malignant == pytest.approx(0.3, abs=0.2)  # three standard errors of 48


def test_without_shortcuts_markers_are_independent_of_the_class() -> None:
    table = np.zeros((2, 3), dtype=int)
    for case in [case for case in plan_cases(options(), SEED) if case.source == "hospital_y"]:
        marker = render_view(case, 0, options(), seed=SEED).marker
        table[int(case.subtype is not None), ["letter", "ringed"].index(marker.style) if marker else 2] += 1
    assert table.sum() > 60
    assert chi2_contingency(table).pvalue > 0.01


def test_hospital_g_exports_small_pictures(planted: Path, truth: pd.DataFrame) -> None:
    sides = {
        str(row.image_id): max(cv2.imread(str(planted / "images" / str(row.image_id))).shape)
        for row in truth.itertuples()
    }
    longest = truth.groupby("source")["image_id"].apply(lambda ids: np.median([sides[name] for name in ids]))
    assert longest["hospital_g"] < 0.45 * longest["hospital_b"]


def test_sites_are_filled_in_for_normals_only_when_the_metadata_shortcut_is_off(truth: pd.DataFrame) -> None:
    sites = ["hand", "ulna", "radius", "humerus", "foot", "tibia", "fibula", "femur", "hip bone"]
    normals = truth[truth["tumor"] == 0]
    assert (normals[sites].sum(axis=1) == 1).all()
