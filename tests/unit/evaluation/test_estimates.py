from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from osteolens.evaluation.estimates import metric_intervals
from osteolens.evaluation.metrics import CLASS_METRICS, OVERALL_METRICS
from osteolens.evaluation.predictions import PredictionsTable

CLASSES = ("Normal", "Benign", "Malignant")
SETTINGS = {"resamples": 300, "confidence": 0.95, "seed": 3}
BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "interval_coverage.py"


def made_up(images: int = 120, *, classes: int = 3, skill: float = 0.4) -> PredictionsTable:
    generator = np.random.default_rng(7)
    labels = np.arange(images) // 2 % classes
    scores = generator.dirichlet(np.ones(3), images) + skill * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"IMG{index:06d}.jpeg" for index in range(images)],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        case_id=[f"case{index // 2}" for index in range(images)],
    )


def entries(found: dict) -> list[dict]:
    return [*found["overall"].values(), *(entry for own in found["per_class"].values() for entry in own.values())]


def test_every_metric_has_value_interval_and_n() -> None:
    table = made_up()
    found = metric_intervals(table, **SETTINGS)
    assert list(found["overall"]) == list(OVERALL_METRICS)
    assert [list(own) for own in found["per_class"].values()] == [list(CLASS_METRICS)] * 3
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for entry in entries(found):
        assert entry["low"] < entry["value"] < entry["high"]
        assert (entry["reason"], entry["method"]) == (None, "bca")
    predicted = table.probabilities.argmax(axis=1)
    assert found["overall"]["mcc"]["n"] == 120
    assert found["per_class"]["Malignant"]["sensitivity"]["n"] == 40
    assert found["per_class"]["Malignant"]["specificity"]["n"] == 80
    assert found["per_class"]["Malignant"]["precision"]["n"] == np.count_nonzero(predicted == 2)


def test_bca_moves_the_limits_of_a_skewed_figure() -> None:
    table = made_up(skill=0.75)
    plain, moved = (metric_intervals(table, **SETTINGS, method=method) for method in ("percentile", "bca"))
    assert {entry["method"] for entry in entries(moved)} == {"bca"}
    # areas near 1 have a long lower tail, so that both limits move down
    before, after = (found["per_class"]["Benign"]["auc"] for found in (plain, moved))
    assert before["value"] == after["value"] > 0.95
    assert after["low"] < before["low"]
    assert after["high"] < before["high"]


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_what_is_undefined_has_a_reason_and_nothing_else_has(method: str) -> None:
    found = metric_intervals(made_up(classes=2), **SETTINGS, method=method)
    absent = found["per_class"]["Malignant"]["auc"]
    nothing = {"value": None, "low": None, "high": None, "method": None}
    assert absent == nothing | {"n": 0, "reason": "no Malignant image in this part"}
    assert found["overall"]["macro_auc"]["reason"] == "no Malignant image in this part"
    for entry in entries(found):
        assert (entry["low"] is None) == (entry["method"] is None)
        assert entry["low"] is not None or entry["reason"]


def test_a_perfect_figure_is_not_certain() -> None:
    found = metric_intervals(made_up(skill=9), **SETTINGS)
    # Wilson's lower limit of n right of n is n / (n + 1.959964^2), here with n cases: 60, 20 of a class, 40 of others
    malignant = found["per_class"]["Malignant"]
    shares = {"accuracy": found["overall"]["accuracy"], **malignant}
    for metric, cases in (("accuracy", 60), ("sensitivity", 20), ("specificity", 40), ("precision", 20)):
        assert (shares[metric]["value"], shares[metric]["high"], shares[metric]["method"]) == (1, 1, "wilson")
        assert shares[metric]["low"] == pytest.approx(cases / (cases + 1.959964**2), abs=1e-6)
        assert shares[metric]["reason"] == "the resamples do not differ: Wilson's interval on the number of cases"
    for entry in (malignant["auc"], found["overall"]["mcc"]):
        assert (entry["value"], entry["low"], entry["high"], entry["method"]) == (1, None, None, None)
        assert entry["reason"] == "the resamples do not differ: no interval"


def test_a_share_of_nothing_has_wilsons_upper_limit() -> None:
    table = made_up()
    never = table.frame.assign(predicted="", prob_Normal=0.6, prob_Benign=0.4, prob_Malignant=0.0)
    entry = metric_intervals(PredictionsTable(CLASSES, never), **SETTINGS)["per_class"]["Malignant"]["sensitivity"]
    assert (entry["value"], entry["low"], entry["method"]) == (0, 0, "wilson")
    assert entry["high"] == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)


def test_a_class_of_one_case_has_no_interval() -> None:
    table = made_up()
    found = metric_intervals(table.subset((table.labels != 2) | (table.cases == "case2")), **SETTINGS, method="bca")
    sentence = "all Malignant images are of one case: no interval"
    for entry in (found["per_class"]["Malignant"]["auc"], found["overall"]["balanced_accuracy"]):
        assert entry["value"] is not None
        assert (entry["low"], entry["high"], entry["reason"]) == (None, None, sentence)
    assert found["overall"]["accuracy"]["low"] is not None


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark, with fewer resamples."""
    specification = importlib.util.spec_from_file_location("interval_coverage", BENCHMARK)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "interval_coverage", module)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "RESAMPLES", 300)
    return module


def test_intervals_by_case_hold_the_truth_of_clustered_images_and_those_by_image_do_not(coverage: ModuleType) -> None:
    simulations = 200
    scenario = coverage.Scenario("test", (40, 40), coverage.shift_of(0.8), 0.9)
    outcomes = coverage.simulate(scenario, simulations)
    held = {key: np.mean(values) for key, values in outcomes.items()}
    # four standard errors about the nominal level, and 1.5 per cent for 80 cases and 300 resamples
    reach = 4 * np.sqrt(0.95 * 0.05 / simulations) + 0.015
    for figure in ("accuracy", "balanced_accuracy", "auc"):
        for method in ("percentile", "BCa"):
            assert held[figure, method] == pytest.approx(0.95, abs=reach), (figure, method)
        # images of a case that nearly agree: 1 + (7.5 / 2.5 - 1) 0.9 = 2.8 times the variance, so |z| < 1.96 / 1.67
        assert held[figure, "by image"] < 0.95 - reach
    assert held["auc", "DeLong"] == pytest.approx(0.95, abs=reach)
