from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gmean
from sklearn import metrics as sk

from osteolens.evaluation.bootstrap import bootstrap_weights
from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.several_views import several_views
from osteolens.randomness import named_generator

CLASSES = ("Benign", "Malignant")
FEW = Resampling(200, seed=1)
# case, label, probability of Malignant
VIEWS = [
    ("k1", "Malignant", 0.9),
    ("k1", "Malignant", 0.4),
    ("k2", "Malignant", 0.3),
    ("k2", "Malignant", 0.2),
    ("k2", "Malignant", 0.95),
    ("k3", "Benign", 0.1),
    ("k3", "Benign", 0.6),
    ("k4", "Benign", 0.35),
    ("k4", "Benign", 0.05),
    ("k5", "Benign", 0.7),
]


def table(views: list[tuple[str, str, float]] = VIEWS, **columns: object) -> PredictionsTable:
    rows = pd.DataFrame(views, columns=["case", "label", "malignant"])
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"i{row}" for row in range(len(rows))],
        labels=rows["label"],
        probabilities=np.column_stack([1 - rows["malignant"], rows["malignant"]]),
        **{"case_id": rows["case"], **columns},
    )


def all_draws(views: list[tuple[str, str, float]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return labels and scores of every way to draw one view of each case, all equally likely."""
    frame = pd.DataFrame(views, columns=["case", "label", "malignant"])
    cases = [group for _, group in frame.groupby("case")]
    labels = np.array([group["label"].iloc[0] == "Malignant" for group in cases])
    return [(labels, np.array(scores)) for scores in itertools.product(*(group["malignant"] for group in cases))]


@pytest.mark.parametrize(("key", "views"), [("several_views", VIEWS[:-1]), ("all_cases", VIEWS)])
def test_the_single_view_is_the_mean_over_all_ways_to_draw_one(key: str, views: list[tuple[str, str, float]]) -> None:
    found = several_views(table(), None, FEW)[key]["single_view"]
    draws = all_draws(views)
    expected = {
        "accuracy": np.mean([sk.accuracy_score(labels, scores > 0.5) for labels, scores in draws]),
        "balanced_accuracy": np.mean([sk.balanced_accuracy_score(labels, scores > 0.5) for labels, scores in draws]),
        "macro_auc": np.mean([sk.roc_auc_score(labels, scores) for labels, scores in draws]),
    }
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    assert found["auc"]["Malignant"]["value"] == pytest.approx(expected["macro_auc"])
    assert found["sensitivity"]["Malignant"]["value"] == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_case_answers_by_hand() -> None:
    record = several_views(table(), None, FEW)
    group = record["several_views"]
    assert (group["n"], group["cases"], group["per_class_cases"]) == (9, 4, {"Benign": 2, "Malignant": 2})
    assert (record["all_cases"]["n"], record["all_cases"]["cases"]) == (10, 5)
    # odds of Malignant: k1 sqrt(9 x 2/3) = 2.4, k2 the cube root of 3/7 x 1/4 x 19 = 1.3,
    # k3 sqrt(1/9 x 3/2) = 0.4, k4 less
    assert group["case_answer"]["accuracy"]["value"] == 1
    assert group["case_answer"]["macro_auc"]["value"] == 1
    # single views: k1 1/2, k2 1/3, k3 1/2, k4 1; the fifth case is wrong on both sides
    assert group["single_view"]["accuracy"]["value"] == pytest.approx(7 / 12)
    assert group["difference"]["accuracy"]["value"] == pytest.approx(5 / 12)
    assert record["all_cases"]["difference"]["accuracy"]["value"] == pytest.approx(5 / 12 * 4 / 5)
    # only k4 agrees
    assert (record["agreement"]["agree"]["value"], record["agreement"]["agree"]["cases"]) == (1, 1)
    assert (record["agreement"]["differ"]["value"], record["agreement"]["differ"]["cases"]) == (1, 3)
    assert (record["probabilities"], record["rule"]) == ("as_predicted", "mean of log-probabilities")


def made_up(cases: int = 60) -> PredictionsTable:
    """Two classes in turn; one to three views of a case, of like difficulty."""
    generator = np.random.default_rng(5)
    rows = []
    for case in range(cases):
        shift = generator.normal((-0.8, 0.8)[case % 2], 1)
        scores = 1 / (1 + np.exp(-generator.normal(shift, 1, case % 3 + 1)))
        rows += [(f"case{case}", CLASSES[case % 2], score) for score in scores]
    return table(rows)


def test_the_difference_is_drawn_over_cases_with_all_their_views() -> None:
    views = made_up()
    found = several_views(views, None, Resampling(60, seed=1))["all_cases"]["difference"]
    frame = views.frame.sort_values("case_id")
    pooled = frame.groupby("case_id").agg(label=("label", "first"), benign=("prob_Benign", gmean))
    pooled["malignant"] = frame.groupby("case_id")["prob_Malignant"].agg(gmean)
    score = (pooled["malignant"] / (pooled["malignant"] + pooled["benign"])).to_numpy()
    labels = (pooled["label"] == "Malignant").to_numpy()
    names = pooled.index.to_numpy(dtype=np.str_)
    place = frame["case_id"].map({name: row for row, name in enumerate(names)}).to_numpy()
    share = 1 / np.bincount(place)[place]
    drawn = bootstrap_weights(names, labels.astype(np.int64), 60, named_generator(1, "bootstrap"))
    samples = []
    for counts in [np.ones(60, dtype=int), *drawn]:
        whole = sk.roc_auc_score(labels, score, sample_weight=counts)
        single = sk.roc_auc_score(labels[place], frame["prob_Malignant"], sample_weight=counts[place] * share)
        samples.append(whole - single)
    entry = found["auc"]["Malignant"]
    assert entry["value"] == pytest.approx(samples[0])
    assert (entry["low"], entry["high"]) == pytest.approx(tuple(np.quantile(samples[1:], (0.025, 0.975))))
    below = (np.array(samples[1:]) <= 1e-12).sum()
    assert entry["p_value"] == pytest.approx(min(1, 2 * (min(below, 60 - below) + 1) / 61))


def test_cases_of_several_patients_or_labels_are_left_out_and_counted() -> None:
    views = [*VIEWS, ("k6", "Benign", 0.2), ("k6", "Malignant", 0.8), ("k7", "Benign", 0.9), ("k7", "Benign", 0.9)]
    source = ["atlas"] * 12 + ["hospital_unknown"] * 2
    found, without = several_views(table(views, source=source), None, FEW), several_views(table(), None, FEW)
    assert found["excluded"] == {"grouped": {"n": 2, "cases": 1}, "several_labels": {"n": 2, "cases": 1}}
    assert without["excluded"] == {"grouped": {"n": 0, "cases": 0}, "several_labels": {"n": 0, "cases": 0}}
    for key in ("several_views", "all_cases", "agreement"):
        assert found[key] == without[key]


def test_without_several_views_nothing_is_compared() -> None:
    single = [(str(row), label, score) for row, (_, label, score) in enumerate(VIEWS)]
    mixed = [("k6", "Benign", 0.2), ("k6", "Malignant", 0.8)]
    for views in (single, single + mixed):
        found = several_views(table(views), None, FEW)
        assert found["possible"] is False
        assert found["reason"] == "no evaluated case with one label is known to have several views"
        assert "several_views" not in found


def test_a_temperature_changes_no_answered_class() -> None:
    views = made_up()
    scaling = Scaling("temperature", (0.4, 0.4), (0.0, 0.0), 50)
    raw, scaled = (several_views(views, given, FEW) for given in (None, scaling))
    assert scaled["probabilities"] == "temperature"
    for side in ("case_answer", "single_view", "difference"):
        assert scaled["several_views"][side]["accuracy"]["value"] == pytest.approx(
            raw["several_views"][side]["accuracy"]["value"]
        )
    assert scaled["agreement"]["agree"] == raw["agreement"]["agree"]
    assert scaled["agreement"]["median_divergence_bits"] < raw["agreement"]["median_divergence_bits"]


def test_a_class_without_cases_leaves_reasons() -> None:
    benign = [row for row in VIEWS if row[1] == "Benign"]
    group = several_views(table(benign), None, FEW)["several_views"]
    for side in ("case_answer", "single_view", "difference"):
        assert group[side]["macro_auc"]["value"] is None
        assert group[side]["macro_auc"]["reason"]
    assert group["single_view"]["sensitivity"]["Malignant"]["value"] is None


@pytest.mark.real_data
def test_real_cases_that_are_no_cases_are_counted(btxrd256: Path) -> None:
    """All 3,746 images: groups of one sex and age, and cases of two labels, counted by pandas alone."""
    known = pd.read_csv(btxrd256 / "reference" / "cases.csv")
    labels = pd.read_csv(btxrd256 / "reference" / "published_split.csv")[["image_id", "label"]]
    frame = known.merge(labels, on="image_id")
    assert len(frame) == 3746
    classes = ("Normal", "Benign", "Malignant")
    shares = PredictionsTable.from_arrays(
        classes,
        image_ids=frame["image_id"],
        labels=frame["label"],
        probabilities=np.tile([0.2, 0.5, 0.3], (len(frame), 1)),
        case_id=frame["case_id"],
        source=frame["source"],
    )
    found = several_views(shares, None, FEW)
    pools = frame[frame["grouping"] == "sex_age_pool"]
    others = frame[frame["grouping"] != "sex_age_pool"].groupby("case_id")["label"].agg(["nunique", "size"])
    mixed, kept = others[others["nunique"] > 1], others[others["nunique"] == 1]
    assert found["excluded"] == {
        "grouped": {"n": len(pools), "cases": pools["case_id"].nunique()},
        "several_labels": {"n": mixed["size"].sum(), "cases": len(mixed)},
    }
    assert len(pools) > 1000
    assert len(mixed) > 0
    assert found["all_cases"]["cases"] == len(kept)
    assert found["several_views"]["n"] == kept["size"][kept["size"] > 1].sum()
    # every view and every case is answered as Benign: no difference
    for name in ("accuracy", "balanced_accuracy", "macro_auc"):
        assert found["several_views"]["difference"][name]["value"] == pytest.approx(0)
