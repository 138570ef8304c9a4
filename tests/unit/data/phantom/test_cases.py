"""The plan of cases: counts, centers, ages and views, over many seeds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from osteolens.config import PhantomOptions, ShortcutOptions
from osteolens.data.phantom.cases import plan_cases

SEEDS = range(20)


@pytest.mark.parametrize(("images", "malignant", "benign"), [(30, 4, 12), (240, 29, 98), (1000, 90, 410)])
def test_counts_are_exact(images: int, malignant: int, benign: int) -> None:
    for seed in SEEDS:
        views: Counter[str] = Counter()
        for case in plan_cases(PhantomOptions(images=images), seed):
            kind = "normal" if case.subtype is None else "malignant" if case.malignant else "benign"
            views[kind] += len(case.views)
        assert views == {"malignant": malignant, "benign": benign, "normal": images - malignant - benign}


def test_every_center_has_malignant_cases() -> None:
    for seed in SEEDS:
        centers = Counter(case.center for case in plan_cases(PhantomOptions(images=240), seed) if case.malignant)
        assert min(centers[center] for center in (1, 2, 3)) >= 2


def test_center_shares_of_images() -> None:
    centers: Counter[int] = Counter()
    for case in plan_cases(PhantomOptions(images=3000), 1):
        centers[case.center] += len(case.views)
    for center, share in ((1, 0.78), (2, 0.15), (3, 0.07)):
        assert centers[center] / 3000 == pytest.approx(share, abs=0.02)


def test_every_subtype_occurs() -> None:
    assert len({case.subtype for case in plan_cases(PhantomOptions(images=2000), 1)}) == 10  # nine and none


def test_class_is_not_in_the_order() -> None:
    numbers = [case.number for case in plan_cases(PhantomOptions(images=2000), 1) if case.subtype is not None]
    total = len(plan_cases(PhantomOptions(images=2000), 1))
    assert sum(numbers) / len(numbers) == pytest.approx(total / 2, rel=0.06)  # three standard errors


def test_case_names_are_unique_and_views_are_one_to_four() -> None:
    cases = plan_cases(PhantomOptions(images=500), 2)
    assert len({case.case_id for case in cases}) == len(cases)
    assert {len(case.views) for case in cases} == {1, 2, 3, 4}


def test_only_the_sites_asked_for_are_taken() -> None:
    options = PhantomOptions(images=300, sites=("knee", "upper arm"))
    assert {case.scene.name for case in plan_cases(options, 1)} == {"knee", "upper arm"}


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_export_shortcut_ties_the_hospital_to_the_class(strength: float) -> None:
    options = PhantomOptions(images=6000, shortcuts=ShortcutOptions(export_size=strength))
    cases = [case for case in plan_cases(options, 1) if case.center == 1]
    malignant = [case.source == "hospital_g" for case in cases if case.malignant]
    others = [case.source == "hospital_g" for case in cases if not case.malignant]
    # BTXRD's center 1: 173 of 235 malignant and 55 of 1,110 benign images are of hospital g; 18% without the shortcut
    wanted = (173 / 235, 55 / 1110) if strength else (0.18, 0.18)
    for found, share in zip((malignant, others), wanted, strict=True):
        assert np.mean(found) == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / len(found)))
