from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from osteolens.evaluation.estimates import metric_intervals
from osteolens.evaluation.metrics import CLASS_METRICS, OVERALL_METRICS
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Benign", "Malignant")
SETTINGS = Resampling(300, 0.95, 3)
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
    found = metric_intervals(table, SETTINGS)
    assert list(found["overall"]) == list(OVERALL_METRICS)
    assert [list(own) for own in found["per_class"].values()] == [list(CLASS_METRICS)] * 3
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for entry in entries(found):
        assert entry["low"] < entry["value"] < entry["high"]
        assert entry["reason"] is None
    assert {own["auc"]["method"] for own in found["per_class"].values()} == {"delong"}
    assert {own["f1"]["method"] for own in found["per_class"].values()} == {"bca"}
    methods = {metric: entry["method"] for metric, entry in found["overall"].items()}
    recovered = ("balanced_accuracy", "macro_auc", "macro_precision", "macro_specificity")
    assert methods == {metric: "recovered" if metric in recovered else "bca" for metric in OVERALL_METRICS}
    predicted = table.probabilities.argmax(axis=1)
    assert found["overall"]["mcc"]["n"] == 120
    assert found["per_class"]["Malignant"]["sensitivity"]["n"] == 40
    assert found["per_class"]["Malignant"]["specificity"]["n"] == 80
    assert found["per_class"]["Malignant"]["precision"]["n"] == np.count_nonzero(predicted == 2)


def test_bca_moves_the_limits_of_a_skewed_figure() -> None:
    table = made_up(skill=0.75)
    plain, moved = (metric_intervals(table, replace(SETTINGS, method=method)) for method in ("percentile", "bca"))
    # areas near 1 have a long lower tail, so that both limits move down
    before, after = (found["per_class"]["Benign"]["average_precision"] for found in (plain, moved))
    assert (before["method"], after["method"]) == ("percentile", "bca")
    assert before["value"] == after["value"] > 0.95
    assert after["low"] < before["low"]
    assert after["high"] < before["high"]


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_what_is_undefined_has_a_reason_and_nothing_else_has(method: str) -> None:
    found = metric_intervals(made_up(classes=2), replace(SETTINGS, method=method))
    absent = found["per_class"]["Malignant"]["auc"]
    nothing = {"value": None, "low": None, "high": None, "method": None}
    assert absent == nothing | {"n": 0, "reason": "no Malignant image in this part"}
    assert found["overall"]["macro_auc"]["reason"] == "no Malignant image in this part"
    for entry in entries(found):
        assert (entry["low"] is None) == (entry["method"] is None)
        assert entry["low"] is not None or entry["reason"]


def test_a_perfect_figure_is_not_certain() -> None:
    found = metric_intervals(made_up(skill=9), SETTINGS)
    # Wilson's lower limit of n right of n is n / (n + 1.959964^2), here with n cases: 60, 20 of a class, 40 of others
    malignant = found["per_class"]["Malignant"]
    shares = {"accuracy": found["overall"]["accuracy"], **malignant}
    for metric, cases in (("accuracy", 60), ("sensitivity", 20), ("specificity", 40), ("precision", 20)):
        assert (shares[metric]["value"], shares[metric]["high"], shares[metric]["method"]) == (1, 1, "wilson")
        assert shares[metric]["low"] == pytest.approx(cases / (cases + 1.959964**2), abs=1e-6)
        assert shares[metric]["reason"] == (
            "the resamples do not differ: Wilson's interval on the effective number of cases (Kish)"
        )
    for entry in (malignant["auc"], found["overall"]["mcc"]):
        assert (entry["value"], entry["low"], entry["high"], entry["method"]) == (1, None, None, None)
        assert entry["reason"] == "the resamples do not differ: no interval"
    # three independent sensitivities that each reach down by 1 - 20 / (20 + 1.96^2); the specificities share images
    # and are taken to fall together, each by 1 - 40 / (40 + 1.96^2)
    overall = found["overall"]
    assert overall["balanced_accuracy"]["low"] == pytest.approx(1 - (1 - 20 / 23.841459) / 3**0.5, abs=1e-6)
    assert overall["macro_specificity"]["low"] == pytest.approx(40 / 43.841459, abs=1e-6)


def one_class_without_spread() -> PredictionsTable:
    """Forty normal images, 30 of them called so; three malignant images, all found, with the highest scores."""
    scores = np.concatenate(
        [np.arange(40) / 40 * 2 / 3, [0.9, 0.95, 0.99]]
    )  # those of normals from 30/40 are above 1/2
    return PredictionsTable.from_arrays(
        ("Normal", "Malignant"),
        image_ids=np.arange(43).astype(str),
        labels=["Normal"] * 40 + ["Malignant"] * 3,
        probabilities=np.column_stack([1 - scores, scores]),
    )


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_class_without_spread_leaves_its_uncertainty_in_the_mean_over_the_classes(method: str) -> None:
    found = metric_intervals(one_class_without_spread(), replace(SETTINGS, method=method))
    normal, malignant = (found["per_class"][name]["sensitivity"] for name in ("Normal", "Malignant"))
    entry = found["overall"]["balanced_accuracy"]
    assert (normal["value"], malignant["value"], entry["value"]) == (0.775, 1, pytest.approx(0.8875))
    assert malignant["low"] == pytest.approx(3 / (3 + 1.959964**2), abs=1e-6)  # Wilson's limit of three in three
    below = np.hypot(0.775 - normal["low"], 1 - 3 / (3 + 1.959964**2)) / 2
    assert entry["low"] == pytest.approx(0.8875 - below, abs=1e-6)
    assert entry["low"] < 0.62
    assert entry["high"] == pytest.approx(0.8875 + (normal["high"] - 0.775) / 2)
    assert entry["method"] == "recovered"
    assert entry["reason"] == "Malignant: fewer than 10 effective cases: Wilson's interval on that number (Kish)"


def test_a_mean_over_classes_of_which_one_has_no_limits_has_none() -> None:
    overall = metric_intervals(one_class_without_spread(), SETTINGS)["overall"]
    sentence = "the resamples do not differ: no interval"  # both areas are 1
    assert overall["macro_auc"]["reason"] == f"Normal, Malignant: {sentence}"
    assert overall["macro_average_precision"]["reason"] == f"Normal, Malignant: {sentence}"
    for metric in ("macro_auc", "macro_average_precision"):
        assert (overall[metric]["value"], overall[metric]["low"], overall[metric]["method"]) == (1, None, None)
    assert overall["macro_f1"]["method"] == "bca"


def test_the_two_areas_of_two_classes_are_one_figure_and_so_is_their_mean() -> None:
    table = made_up(classes=2)
    probabilities = table.probabilities[:, :2] / table.probabilities[:, :2].sum(axis=1, keepdims=True)
    two = PredictionsTable.from_arrays(
        CLASSES[:2],
        image_ids=table.frame["image_id"],
        labels=table.frame["label"],
        probabilities=probabilities,
        case_id=table.cases,
    )
    found = metric_intervals(two, SETTINGS)
    own, mean = found["per_class"]["Benign"]["auc"], found["overall"]["macro_auc"]
    assert (mean["low"], mean["high"]) == (pytest.approx(own["low"]), pytest.approx(own["high"]))
    assert own["low"] < own["value"] < own["high"]


def test_where_all_others_are_of_one_case_ranking_against_them_has_no_interval() -> None:
    table = made_up()
    kept = table.subset((table.labels == 0) | np.isin(table.cases, ["case1"]))
    frame = kept.frame.assign(case_id=np.where(kept.labels == 0, kept.cases, "other"))
    found = metric_intervals(PredictionsTable(CLASSES, frame), SETTINGS)["per_class"]["Normal"]
    sentence = "all images that are not Normal are of one case: no interval"
    assert (found["auc"]["low"], found["auc"]["reason"]) == (None, sentence)
    assert found["sensitivity"]["method"] == "bca"
    # the two images are one observation, for which Wilson's interval at 0 and 1 reaches to 1.96^2 / (1 + 1.96^2)
    specificity = found["specificity"]
    assert (specificity["value"], specificity["method"]) == (1, "wilson")
    assert specificity["low"] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)


def test_a_share_of_nothing_has_wilsons_upper_limit() -> None:
    table = made_up()
    never = table.frame.assign(predicted="", prob_Normal=0.6, prob_Benign=0.4, prob_Malignant=0.0)
    entry = metric_intervals(PredictionsTable(CLASSES, never), SETTINGS)["per_class"]["Malignant"]["sensitivity"]
    assert (entry["value"], entry["low"], entry["method"]) == (0, 0, "wilson")
    assert entry["high"] == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)


@pytest.mark.parametrize(("cases", "method"), [(9, "wilson"), (10, "bca")])
def test_a_share_of_fewer_than_ten_cases_has_wilsons_interval(cases: int, method: str) -> None:
    table = made_up()
    malignant = np.flatnonzero(table.labels == 2)
    numbers = np.arange(len(table)).astype(str)
    numbers[malignant] = [f"m{place % cases}" for place in range(malignant.size)]
    found = metric_intervals(
        PredictionsTable(CLASSES, table.frame.assign(case_id=numbers)), replace(SETTINGS, method="bca")
    )
    sensitivity = found["per_class"]["Malignant"]["sensitivity"]
    assert 0 < sensitivity["value"] < 1
    assert sensitivity["method"] == method
    assert sensitivity["reason"] == (
        "fewer than 10 effective cases: Wilson's interval on that number (Kish)" if method == "wilson" else None
    )
    assert found["per_class"]["Normal"]["sensitivity"]["method"] == "bca"
    assert found["overall"]["accuracy"]["method"] == "bca"
    # the mean over the classes takes the limits of the classes
    assert found["overall"]["balanced_accuracy"]["method"] == "recovered"


@pytest.mark.parametrize(("largest", "method"), [(1, "bca"), (20, "wilson")])
def test_few_are_counted_in_effective_cases(largest: int, method: str) -> None:
    # 40 malignant images: 40 cases, or 21 of which one has 20 images, by Kish worth 40^2 / (20^2 + 20) = 3.8
    table = made_up()
    numbers = np.arange(len(table)).astype("U9")
    numbers[np.flatnonzero(table.labels == 2)[:largest]] = "large"
    found = metric_intervals(PredictionsTable(CLASSES, table.frame.assign(case_id=numbers)), SETTINGS)
    sensitivity = found["per_class"]["Malignant"]["sensitivity"]
    assert 0 < sensitivity["value"] < 1
    assert sensitivity["method"] == method


def test_a_share_that_most_resamples_lack_has_wilsons_interval() -> None:
    # one image of twelve is called malignant, rightly: its precision is undefined in a third of the resamples
    probabilities = np.tile([0.9, 0.1], (12, 1))
    probabilities[11] = [0.2, 0.8]
    table = PredictionsTable.from_arrays(
        ("Normal", "Malignant"),
        image_ids=np.arange(12).astype(str),
        labels=["Normal"] * 8 + ["Malignant"] * 4,
        probabilities=probabilities,
    )
    precision = metric_intervals(table, SETTINGS)["per_class"]["Malignant"]["precision"]
    assert (precision["value"], precision["high"], precision["method"], precision["n"]) == (1, 1, "wilson", 1)
    assert precision["low"] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)
    assert precision["reason"] == "fewer than 10 effective cases: Wilson's interval on that number (Kish)"


def test_balanced_accuracy_of_an_answer_that_never_changes_has_no_interval() -> None:
    table = made_up()
    constant = PredictionsTable(
        CLASSES, table.frame.assign(predicted="", prob_Normal=0.6, prob_Benign=0.3, prob_Malignant=0.1)
    )
    overall = metric_intervals(constant, SETTINGS)["overall"]
    for metric, value in (("balanced_accuracy", 1 / 3), ("macro_specificity", 2 / 3)):
        assert overall[metric]["value"] == pytest.approx(value)
        assert (overall[metric]["low"], overall[metric]["method"]) == (None, None)
        assert overall[metric]["reason"].startswith("always the same answer")
    assert overall["accuracy"]["reason"].startswith("the resamples do not differ: Wilson's interval")


def test_right_for_one_class_and_wrong_for_the_others_is_not_one_answer() -> None:
    table = made_up()
    called = np.eye(3)[np.array([0, 2, 1])[table.labels]]  # the same sensitivities as of the answer Normal throughout
    swapped = PredictionsTable(
        CLASSES, table.frame.assign(predicted="", **{f"prob_{name}": called[:, k] for k, name in enumerate(CLASSES)})
    )
    assert metric_intervals(swapped, SETTINGS)["overall"]["balanced_accuracy"]["method"] == "recovered"


def test_a_class_of_one_case_has_no_interval_but_in_shares() -> None:
    table = made_up()
    found = metric_intervals(
        table.subset((table.labels != 2) | (table.cases == "case2")), replace(SETTINGS, method="bca")
    )
    sentence = "all Malignant images are of one case: no interval"
    for entry in (found["per_class"]["Malignant"]["auc"], found["overall"]["macro_auc"], found["overall"]["macro_f1"]):
        assert entry["value"] is not None
        assert (entry["low"], entry["high"], entry["reason"]) == (None, None, sentence)
    assert found["overall"]["accuracy"]["low"] is not None
    sensitivity = found["per_class"]["Malignant"]["sensitivity"]
    # half of one observation: Wilson's limits are 1/2 -+ z / sqrt(1 + z^2) / 2
    reach = 1.959964 / (1 + 1.959964**2) ** 0.5 / 2
    assert sensitivity["value"] == 0.5
    assert (sensitivity["low"], sensitivity["high"]) == pytest.approx((0.5 - reach, 0.5 + reach), abs=1e-6)
    assert found["overall"]["balanced_accuracy"]["method"] == "recovered"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark, with fewer resamples."""
    specification = importlib.util.spec_from_file_location("interval_coverage", BENCHMARK)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    monkeypatch.setitem(sys.modules, "interval_coverage", module)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "RESAMPLES", 300)
    return module


def test_intervals_by_case_hold_the_truth_of_clustered_images_and_those_by_image_do_not(coverage: ModuleType) -> None:
    simulations = 200
    scenario = coverage.Scenario("test", (40, 40), coverage.shift_of(0.8), 0.9)
    outcomes = coverage.simulate(scenario, simulations, coverage.resampled)
    outcomes |= coverage.simulate(scenario, simulations, coverage.direct)
    held = {key: np.mean(values) for key, values in outcomes.items()}
    # four standard errors about the nominal level, and 1.5 per cent for 80 cases and 300 resamples
    reach = 4 * np.sqrt(0.95 * 0.05 / simulations) + 0.015
    for figure in ("accuracy", "balanced_accuracy", "auc"):
        for method in ("percentile", "BCa"):
            assert held[figure, method] == pytest.approx(0.95, abs=reach), (figure, method)
        # images of a case that nearly agree: 1 + (7.5 / 2.5 - 1) 0.9 = 2.8 times the variance, so |z| < 1.96 / 1.67
        assert held[figure, "by image"] < 0.95 - reach
    assert held["auc", "DeLong, as reported"] == pytest.approx(0.95, abs=reach)


def test_what_the_benchmark_calls_as_reported_is_what_a_report_holds(coverage: ModuleType) -> None:
    scenario = coverage.Scenario("test", (30, 20), coverage.shift_of(0.8), 0.5)
    labels, cases = scenario.draw(generator := np.random.default_rng(4))
    scores = scenario.scores(labels, cases, generator)
    limits = {
        (figure, method): (low, high) for figure, method, low, high in coverage.direct(labels, scores, cases, generator)
    }
    table = PredictionsTable.from_arrays(
        ("first", "second"),
        image_ids=np.arange(labels.size).astype(str),
        labels=np.array(["first", "second"])[labels],
        probabilities=coverage.as_probabilities(scores),
        case_id=cases,
    )
    area = metric_intervals(table, SETTINGS)["per_class"]["second"]["auc"]
    assert area["method"] == "delong"
    assert limits["auc", "DeLong, as reported"] == pytest.approx((area["low"], area["high"]))


def test_wilsons_interval_of_few_cases_that_agree_holds_the_truth(
    coverage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "DIRECT", 400)
    assert [rate > 0.86 for rate in coverage.few_cases(3, 0.9)] == [True, True, True]
