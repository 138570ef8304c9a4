"""Known truth: what a lesion changes, and that nothing but the lesion tells the class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from osteolens.data.phantom.cases import Case, plan_cases
from osteolens.data.phantom.lesions import HABITS
from osteolens.data.phantom.render import render_view

SIDE, SEED = 240, 5


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return plan_cases(2500, SEED)


def first_of(cases: tuple[Case, ...], subtype: str, count: int) -> list[Case]:
    return [case for case in cases if case.subtype == subtype][:count]


@pytest.mark.parametrize("subtype", list(HABITS))
def test_a_lesion_changes_its_outline_and_nothing_far_from_it(cases: tuple[Case, ...], subtype: str) -> None:
    for case in first_of(cases, subtype, 3):
        render = render_view(case, 0, longest_side=SIDE, seed=SEED)
        healthy = render_view(case, 0, longest_side=SIDE, seed=SEED, lesions=False)
        change = np.abs(render.picture.astype(int) - healthy.picture.astype(int))
        inside = np.any(render.outlines, axis=0)
        assert change[inside].mean() > 3
        margin = 16 + int(0.4 * np.sqrt(inside.sum()))
        near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        assert change[near == 0].max(initial=0) <= 1
        assert healthy.outlines == ()


@pytest.mark.parametrize(
    ("subtype", "sign"),
    [
        ("simple bone cyst", -1),
        ("giant cell tumor", -1),
        ("other mt", -1),
        ("osteochondroma", 1),
        ("synovial osteochondroma", 1),
    ],
)
def test_bone_taken_away_is_darker_and_bone_added_is_brighter(cases: tuple[Case, ...], subtype: str, sign: int) -> None:
    differences = []
    for case in first_of(cases, subtype, 4):
        render = render_view(case, 0, longest_side=SIDE, seed=SEED)
        healthy = render_view(case, 0, longest_side=SIDE, seed=SEED, lesions=False)
        inside = np.any(render.outlines, axis=0)
        differences.append(render.picture[inside].mean() - healthy.picture[inside].mean())
    assert np.median(differences) * sign > 2


def test_framing_exposure_marker_and_size_do_not_know_the_class(cases: tuple[Case, ...]) -> None:
    for case in [case for case in cases if case.subtype is not None][:4]:
        without = render_view(case, 0, longest_side=SIDE, seed=SEED, lesions=False)
        normal = render_view(dataclasses.replace(case, subtype=None), 0, longest_side=SIDE, seed=SEED)
        assert np.array_equal(without.picture, normal.picture)
        assert without.quality == normal.quality


def test_scenes_views_and_sources_do_not_know_the_class(cases: tuple[Case, ...]) -> None:
    for field in (lambda case: case.scene.name == "knee", lambda case: case.views[0] == "frontal"):
        tumours = np.mean([field(case) for case in cases if case.subtype is not None])
        normals = np.mean([field(case) for case in cases if case.subtype is None])
        assert abs(tumours - normals) < 0.08  # three standard errors of about 700 and 900 cases


def test_a_picture_does_not_depend_on_the_others(phantom: Path) -> None:
    cases = plan_cases(200, 7)
    number = sum(len(case.views) for case in cases[:5]) + 1
    render = render_view(cases[5], 0, longest_side=96, seed=7)
    _, jpeg = cv2.imencode(".jpg", render.picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
    file = next((phantom / "images").glob(f"IMG{number:06d}.*"))
    assert file.read_bytes() == jpeg.tobytes()


def test_views_of_a_case_differ(cases: tuple[Case, ...]) -> None:
    case = next(case for case in cases if len(case.views) == 2 and not case.duplicated)
    first, second = (render_view(case, view, longest_side=96, seed=SEED).picture for view in (0, 1))
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_pictures_use_the_grey_scale(cases: tuple[Case, ...]) -> None:
    for case in cases[:12]:
        picture = render_view(case, 0, longest_side=SIDE, seed=SEED).picture
        assert picture.dtype == np.uint8
        assert np.percentile(picture, 1) < 90
        assert np.percentile(picture, 99) > 140
        assert picture.std() > 20
