"""Known truth: what a lesion changes, and that nothing but the lesion tells the class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from osteolens.config import PhantomOptions
from osteolens.data.phantom.cases import Case, plan_cases
from osteolens.data.phantom.exposure import Attenuation
from osteolens.data.phantom.lesions import HABITS
from osteolens.data.phantom.render import render_view

OPTIONS, SEED = PhantomOptions(images=2500, longest_side=240), 5


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return plan_cases(OPTIONS, SEED)


def first_of(cases: tuple[Case, ...], subtype: str, count: int) -> list[Case]:
    return [case for case in cases if case.subtype == subtype][:count]


@pytest.mark.parametrize("subtype", list(HABITS))
def test_a_lesion_changes_its_outline_and_nothing_far_from_it(cases: tuple[Case, ...], subtype: str) -> None:
    for case in first_of(cases, subtype, 3):
        render = render_view(case, 0, OPTIONS, seed=SEED)
        healthy = render_view(case, 0, OPTIONS, seed=SEED, lesions=False)
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
        render = render_view(case, 0, OPTIONS, seed=SEED)
        healthy = render_view(case, 0, OPTIONS, seed=SEED, lesions=False)
        inside = np.any(render.outlines, axis=0)
        differences.append(render.picture[inside].mean() - healthy.picture[inside].mean())
    assert np.median(differences) * sign > 2


def test_framing_exposure_marker_and_size_do_not_know_the_class(cases: tuple[Case, ...]) -> None:
    for case in [case for case in cases if case.subtype is not None][:4]:
        without = render_view(case, 0, OPTIONS, seed=SEED, lesions=False)
        normal = render_view(dataclasses.replace(case, subtype=None), 0, OPTIONS, seed=SEED)
        assert np.array_equal(without.picture, normal.picture)
        assert without.quality == normal.quality


def test_scenes_views_and_sources_do_not_know_the_class(cases: tuple[Case, ...]) -> None:
    for field in (lambda case: case.scene.name == "knee", lambda case: case.views[0] == "frontal"):
        tumours = np.mean([field(case) for case in cases if case.subtype is not None])
        normals = np.mean([field(case) for case in cases if case.subtype is None])
        assert abs(tumours - normals) < 0.08  # three standard errors of about 700 and 900 cases


def test_a_picture_does_not_depend_on_the_others(phantom: Path) -> None:
    options = PhantomOptions(images=200, longest_side=96)
    cases = plan_cases(options, 7)
    number = sum(len(case.views) for case in cases[:5]) + 1
    render = render_view(cases[5], 0, options, seed=7)
    _, jpeg = cv2.imencode(".jpg", render.picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
    file = next((phantom / "images").glob(f"IMG{number:06d}.*"))
    assert file.read_bytes() == jpeg.tobytes()


def test_views_of_a_case_differ(cases: tuple[Case, ...]) -> None:
    case = next(case for case in cases if len(case.views) == 2)
    first, second = (render_view(case, view, OPTIONS, seed=SEED).picture for view in (0, 1))
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_pictures_use_the_grey_scale(cases: tuple[Case, ...]) -> None:
    for case in cases[:12]:
        picture = render_view(case, 0, OPTIONS, seed=SEED).picture
        assert picture.dtype == np.uint8
        assert np.percentile(picture, 1) < 90
        assert np.percentile(picture, 99) > 140
        assert picture.std() > 20


@pytest.mark.parametrize("scale", [0.6, 1.5])
@pytest.mark.parametrize("subtype", ["simple bone cyst", "osteofibroma", "osteosarcoma"])
def test_an_outline_grows_with_the_square_of_the_scale(cases: tuple[Case, ...], subtype: str, scale: float) -> None:
    scaled = OPTIONS.model_copy(update={"lesion_scale": scale})
    ratios = []
    for case in first_of(cases, subtype, 5):
        areas = [np.any(render_view(case, 0, o, seed=SEED).outlines, axis=0).sum() for o in (scaled, OPTIONS)]
        ratios.append(areas[0] / areas[1])
    assert np.median(ratios) == pytest.approx(scale**2, rel=0.06)  # the picture's edge can cut a large one


def test_contrast_multiplies_what_a_lesion_changes(cases: tuple[Case, ...]) -> None:
    for case in first_of(cases, "simple bone cyst", 3):
        healthy = render_view(case, 0, OPTIONS, seed=SEED, lesions=False).picture.astype(float)
        changes = []
        for contrast in (0.5, 1.0, 2.0):
            options = OPTIONS.model_copy(update={"lesion_contrast": contrast})
            render = render_view(case, 0, options, seed=SEED)
            changes.append(np.abs(render.picture - healthy)[np.any(render.outlines, axis=0)].mean())
        assert changes[0] < 0.7 * changes[1] < changes[1] < 0.8 * changes[2]


def test_an_exaggerated_lesion_never_brightens_the_open_field() -> None:
    line = Attenuation(np.full((1, 3), 2.0, np.float32), np.array([[-1.0, -1.9, 0.5]], np.float32))
    # at most 80% of a ray is taken away, unless the lesion itself took more
    np.testing.assert_allclose(line.exaggerated(3.0).change, [[-1.6, -1.9, 1.5]], rtol=1e-6)
    np.testing.assert_array_equal(line.exaggerated(1.0).change, line.change)
