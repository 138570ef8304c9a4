from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from osteolens.evaluation.published import Published, PublishedSystem, load_published


@pytest.fixture(scope="module")
def published() -> Published:
    return load_published()


@pytest.fixture(scope="module")
def systems(published: Published) -> dict[str, PublishedSystem]:
    return {system.key: system for system in published.systems}


def leaves(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for found in figures.values():
        yield from [found] if "value" in found else found.values()


def test_the_classifier_of_the_paper_adds_up(systems: dict[str, PublishedSystem]) -> None:
    paper = systems["btxrd_paper"]
    assert paper.counts is not None
    right, of, called = (paper.counts[key] for key in ("right", "of", "called"))
    assert (right["Malignant"], of["Malignant"], called["Malignant"]) == (47, 64, 56)
    assert sum(of.values()) == sum(called.values()) == paper.images == 751
    for name in ("Normal", "Benign", "Malignant"):
        assert paper.figures["sensitivity"][name]["value"] == pytest.approx(right[name] / of[name], abs=6e-4)
        assert paper.figures["precision"][name]["value"] == pytest.approx(right[name] / called[name], abs=6e-4)
    assert paper.figures["accuracy"]["value"] == pytest.approx(sum(right.values()) / 751, abs=6e-4)
    assert paper.figures["sensitivity"]["Malignant"]["value"] == 0.734
    assert paper.figures["precision"]["Malignant"]["value"] == 0.839


def test_the_quoted_precision_is_the_recall_and_the_reverse(systems: dict[str, PublishedSystem]) -> None:
    paper = systems["btxrd_paper"]
    assert paper.as_quoted is not None
    for name in ("Normal", "Benign", "Malignant"):
        assert paper.as_quoted["precision"][name] == pytest.approx(
            paper.figures["sensitivity"][name]["value"], abs=1.5e-3
        )
        assert paper.as_quoted["recall"][name] == paper.figures["precision"][name]["value"]
    assert any("exchanged" in caveat for caveat in paper.caveats)


def test_leaking_systems_say_how_much(published: Published, systems: dict[str, PublishedSystem]) -> None:
    for system in published.systems:
        assert (system.leaks is None) == (system.leaking_shares is None)
        if system.leaks:
            assert all(0 < share < 1 for share in (system.leaking_shares or {}).values())
    assert systems["btxrd_paper"].leaking_shares == {"tumours": 0.679, "Benign": 0.665, "Malignant": 0.75}
    assert systems["poc_improved"].leaking_shares == {"tumours": 0.606, "Benign": 0.589, "Malignant": 0.686}
    assert [systems[key].images for key in ("poc_first_stratified", "poc_improved", "mobilenet_stratified")] == [
        564
    ] * 3
    assert [systems[key].images for key in ("poc_first_center", "mobilenet_center")] == [808, 808]
    assert systems["ulster_cbam"].leaks is None
    assert systems["ulster_cbam"].task == "nine classes"


def test_figures_are_shares_within_their_intervals(published: Published) -> None:
    assert len({system.key for system in published.systems}) == len(published.systems) == 11
    for system in published.systems:
        for entry in leaves(system.figures):
            assert 0 <= entry["value"] <= 1
            if entry["low"] is not None:
                assert entry["low"] < entry["value"] < entry["high"]


def test_intervals_and_targets(published: Published, systems: dict[str, PublishedSystem]) -> None:
    assert systems["poc_first_stratified"].figures["macro_auc"] == {
        "value": 0.846,
        "low": 0.814,
        "high": 0.873,
        "reason": None,
    }
    assert [(target.figure, target.above) for target in published.targets] == [
        ("accuracy", 0.75),
        ("accuracy", 0.55),
        ("malignant_sensitivity", 0.7),
        ("mean_iou", 0.15),
    ]
