from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from osteolens.reporting.advice import advice_on
from osteolens.reporting.run_results import RunResults, read_run
from osteolens.storage import RunFolder


@pytest.fixture(scope="module")
def results(complete_run: RunFolder) -> RunResults:
    return read_run(complete_run)


def changed(record: Any, keys: tuple[str | int, ...], **values: Any) -> Any:
    """Return a copy of a record with other values at the place that the keys lead to."""
    if not keys:
        return {**record, **values}
    key, *rest = keys
    inner = changed(record[key], tuple(rest), **values)
    if isinstance(record, list):
        return [inner if place == key else item for place, item in enumerate(record)]
    return {**record, key: inner}


def steps(run: RunResults) -> str:
    return "\n".join(f"{advice.step} {advice.finding}" for advice in advice_on(run))


MALIGNANT_POINT = ("operating_points", "questions", "Malignant against the rest", "high_sensitivity")


@pytest.mark.parametrize(
    ("part", "keys", "outcomes", "step"),
    [
        ("honesty", ("origins",), ({"unseen_n": 0}, {"unseen_n": 5}), "Test on hospitals held out"),
        (
            "honesty",
            ("within_sources", "pooled"),
            ({"value": 0.55, "low": 0.49, "high": 0.6}, {"value": 0.99, "low": 0.9, "high": 1.0}),
            "Do not claim that malignant and benign tumours are told apart",
        ),
        (
            "decisions",
            (*MALIGNANT_POINT, "test", "sensitivity"),
            ({"value": 0.85}, {"value": 0.9}),
            "Choose the threshold on more malignant cases",
        ),
        (
            "summary",
            ("per_class", "Malignant", "sensitivity"),
            ({"value": 0.6, "low": 0.45, "high": 0.7}, {"value": 0.6, "low": 0.55, "high": 0.65}),
            "Test on more malignant cases",
        ),
        (
            "decisions",
            ("conformal", "test", "per_class", "Benign", "coverage"),
            ({"value": 0.8, "low": 0.7, "high": 0.89}, {"value": 0.88, "low": 0.8, "high": 0.93}),
            "Do not rely on the coverage",
        ),
        (
            "decisions",
            ("calibration", "temperature", "test", "nll"),
            ({"value": 0.01}, {"value": 99.0}),
            "Use probabilities only after temperature scaling",
        ),
        (
            "honesty",
            ("subgroups", "worst", "accuracy"),
            ({"value": 0.1, "low": 0.05, "high": 0.2}, {"value": 0.1, "low": 0.05, "high": 1.0}),
            "Look at the wrong answers",
        ),
        (
            "robustness",
            ("curves", "blur", 0, "loss", "balanced_accuracy"),
            ({"value": 0.2, "low": 0.1, "high": 0.3}, {"value": 0.2, "low": -0.1, "high": 0.5}),
            "Check pictures for such faults",
        ),
    ],
)
def test_a_rule_speaks_only_when_its_figures_call_for_it(
    results: RunResults, part: str, keys: tuple[str | int, ...], outcomes: tuple[Any, Any], step: str
) -> None:
    record, (calls, calm) = getattr(results, part), outcomes
    assert step in steps(replace(results, **{part: changed(record, keys, **calls)}))
    assert step not in steps(replace(results, **{part: changed(record, keys, **calm)}))


def test_maps_that_are_no_better_than_a_spot_in_the_middle(results: RunResults) -> None:
    assert results.maps is not None
    step = "Do not show the maps as evidence"
    for value, told in ((0.05, False), (0.9, True)):
        report = changed(results.maps.report, ("centre_prior", "pointing_game"), value=value)
        assert (step in steps(replace(results, maps=replace(results.maps, report=report)))) is told


def test_leakage_comes_first_and_the_seed_last(results: RunResults) -> None:
    first, *_, last = advice_on(results)
    assert first.step.startswith("Do not quote these figures for new patients")
    assert first.finding == results.leakage["sentence"]
    assert "seed 42" in last.finding
