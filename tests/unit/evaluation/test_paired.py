from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import aligned, known_cases
from osteolens.evaluation.bootstrap import bootstrap_weights
from osteolens.evaluation.paired import compare, two_sided_p_value
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.randomness import named_generator

CLASSES = ("Normal", "Benign", "Malignant")
SETTINGS = Resampling(200, 0.95, 1)


def table(
    skill: float, *, seed: int = 0, images: int = 90, suffix: str = ".jpeg", **columns: object
) -> PredictionsTable:
    """Three classes, two images a case; more skill moves the probabilities towards the truth."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) // 2 % 3
    scores = generator.dirichlet(np.ones(3), images) + skill * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"IMG{index:06d}{suffix}" for index in range(images)],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        **{"case_id": [f"case{index // 2}" for index in range(images)], **columns},
    )


def changed(of: PredictionsTable, **columns: object) -> PredictionsTable:
    return PredictionsTable(of.class_names, of.frame.assign(**columns))


def test_differences_are_those_of_scikit_learn_on_the_same_resamples() -> None:
    first, second = table(0.2), table(0.5, seed=1)
    found = compare(first, second, SETTINGS)
    weights = bootstrap_weights(first.cases, first.labels, 200, named_generator(1, "bootstrap"))
    drawn = []
    for counts in [np.ones(90, dtype=int), *weights]:
        rows = np.repeat(np.arange(90), counts)
        labels = first.labels[rows]
        probabilities = [one.probabilities[rows] for one in (first, second)]
        areas = [sk.roc_auc_score(labels == 2, values[:, 2]) for values in probabilities]
        rates = [sk.accuracy_score(labels, values.argmax(axis=1)) for values in probabilities]
        drawn.append([areas[1] - areas[0], rates[1] - rates[0]])
    point, samples = np.array(drawn[0]), np.array(drawn[1:])
    low, high = np.quantile(samples, (0.025, 0.975), axis=0)
    for k, entry in enumerate((found["per_class"]["Malignant"]["auc"], found["overall"]["accuracy"])):
        assert entry["difference"] == pytest.approx(point[k])
        assert entry["second"] - entry["first"] == pytest.approx(point[k])
        assert (entry["low"], entry["high"]) == pytest.approx((low[k], high[k]))
        assert entry["p_value"] == pytest.approx(min(1, 2 * ((samples[:, k] <= 1e-12).sum() + 1) / 201))
        assert entry["reason"] is None
    assert (found["n"], found["cases"], found["resamples"], found["confidence"]) == (90, 45, 200, 0.95)
    assert found["delong"]["Malignant"]["difference"] == pytest.approx(point[0])


def test_p_values_worked_by_hand() -> None:
    # 9 resamples: two below 0, one at it: (3 + 1) / (9 + 1) doubled
    assert two_sided_p_value(np.array([-2, -1, 0, 1, 2, 3, 4, 5, 6.0]), 0.95) == pytest.approx(0.8)
    assert two_sided_p_value(np.arange(1.0, 1000.0), 0.95) == pytest.approx(2 / 1000)
    assert two_sided_p_value(np.zeros(99), 0.95) == 1
    left_out = np.append(np.arange(1.0, 98.0), [np.nan, np.nan])
    assert two_sided_p_value(left_out, 0.95) == pytest.approx(2 / 98)
    assert np.isnan(two_sided_p_value(np.append(np.arange(9.0), np.nan), 0.95))
    both = two_sided_p_value(np.stack([np.arange(1.0, 100.0), np.zeros(99)], axis=1), 0.95)
    assert both == pytest.approx([0.02, 1])


def test_a_model_against_itself_shows_no_difference() -> None:
    first = table(0.3)
    found = compare(first, first, SETTINGS)
    entries = [*found["overall"].values(), *(e for own in found["per_class"].values() for e in own.values())]
    for entry in entries:
        assert (entry["difference"], entry["p_value"]) == (0, 1)
        assert (entry["low"], entry["high"]) == (None, None)
        assert entry["reason"] == "the resamples do not differ: no interval"
    reason = "the difference has no variance: no interval"
    assert found["delong"]["Benign"] == {"difference": 0, "low": None, "high": None, "p_value": None, "reason": reason}


def right_and_wrong(right: list[int], cases: str) -> PredictionsTable:
    """Normal images, those marked 1 called so; the other class does not occur."""
    chosen = np.array(right, dtype=float)
    return PredictionsTable.from_arrays(
        ("Normal", "Malignant"),
        image_ids=np.arange(len(right)).astype(str),
        labels=["Normal"] * len(right),
        probabilities=np.column_stack([chosen, 1 - chosen]),
        case_id=list(cases),
    )


def test_a_difference_that_all_resamples_share_has_no_p_value() -> None:
    # two cases, both right in the second only: the bootstrap alone would say 2 / 201
    found = compare(right_and_wrong([0, 0], "ab"), right_and_wrong([1, 1], "ab"), SETTINGS)["overall"]["accuracy"]
    assert (found["difference"], found["low"], found["p_value"]) == (1, None, None)
    assert found["reason"] == "the resamples do not differ: no interval and no p-value"


def test_few_cases_have_no_small_p_value() -> None:
    # three cases, all better in the second and by different shares: the sign test gives 2 / 2^3, the bootstrap 2 / 201
    first, second = right_and_wrong([0, 0, 0, 1], "abcc"), right_and_wrong([1, 1, 1, 1], "abcc")
    found = compare(first, second, SETTINGS)
    for entry in (found["overall"]["accuracy"], found["per_class"]["Normal"]["sensitivity"]):
        assert entry["low"] > 0
        assert (entry["p_value"], entry["reason"]) == (0.25, None)


def test_the_auc_of_a_class_of_one_case_keeps_that_reason() -> None:
    first, second = (one.subset((one.labels != 2) | (one.cases == "case2")) for one in (table(0.2), table(0.5, seed=1)))
    found = compare(first, second, SETTINGS)["delong"]["Malignant"]
    assert (found["p_value"], found["reason"]) == (None, "all Malignant images are of one case: no interval")


def test_a_far_better_model_has_the_smallest_p_value() -> None:
    entry = compare(table(0.0), table(2.0), SETTINGS)["overall"]["accuracy"]
    assert entry["second"] == 1
    assert entry["p_value"] == pytest.approx(2 / 201)
    assert 0 < entry["low"] < entry["difference"] < entry["high"]


def test_order_of_rows_and_classes_does_not_matter() -> None:
    first, second = table(0.2), table(0.5, seed=1)
    turned = PredictionsTable(CLASSES[::-1], second.frame.iloc[::-1])
    assert aligned(first, turned).frame["image_id"].tolist() == first.frame["image_id"].tolist()
    assert compare(first, turned, SETTINGS) == compare(first, second, SETTINGS)


def test_stems_match_where_the_suffixes_differ() -> None:
    first, second = table(0.2), table(0.5, seed=1, suffix=".jpg")
    assert compare(first, second, SETTINGS) == compare(first, table(0.5, seed=1), SETTINGS)


def test_the_cases_of_the_table_that_knows_them_count() -> None:
    first, second = table(0.2), table(0.5, seed=1)
    unknown = changed(second, case_id="")
    for tables in ((first, unknown), (unknown, first)):
        assert known_cases(*tables).tolist() == first.cases.tolist()
    other = changed(second, case_id=second.frame["case_id"].where(second.frame.index != 3, "another"))
    with pytest.raises(EvaluationError, match=r"1 images into different cases \(IMG000003.jpeg\)"):
        compare(first, other, SETTINGS)


def test_other_images_are_refused_by_name() -> None:
    first = table(0.2)
    fewer = first.subset(np.arange(90) >= 7)
    with pytest.raises(EvaluationError, match=r"7 only in the first \(IMG000000.*and 2 more\), 0 only .*\(none\)"):
        compare(first, fewer, SETTINGS)


def test_other_labels_classes_and_mixtures_are_refused() -> None:
    first = table(0.2)
    frame = first.frame.copy()
    frame.loc[0, "label"] = "Benign"
    with pytest.raises(EvaluationError, match=r"different labels to 1 images \(IMG000000.jpeg\)"):
        compare(first, PredictionsTable(CLASSES, frame), SETTINGS)
    renamed = first.frame.rename(columns={"prob_Benign": "prob_Other"}).replace("Benign", "Other")
    with pytest.raises(EvaluationError, match="Normal, Other, Malignant in the second"):
        compare(first, PredictionsTable(("Normal", "Other", "Malignant"), renamed), SETTINGS)
    mixed = changed(first, split=pd.Series(["val", "test"] * 45))
    with pytest.raises(EvaluationError, match=r"second table holds the splits test, val.*part\(\)"):
        compare(first, mixed, SETTINGS)


def test_an_undefined_difference_says_whose_figure_is_missing() -> None:
    first = table(0.2)
    never = np.array([[0.9, 0.06, 0.04], [0.06, 0.9, 0.04]])[np.arange(90) % 2]
    second = changed(first, predicted="", **{f"prob_{name}": never[:, k] for k, name in enumerate(CLASSES)})
    entry = compare(first, second, SETTINGS)["per_class"]["Malignant"]["precision"]
    assert entry["first"] is not None
    assert [entry[key] for key in ("second", "difference", "low", "high", "p_value")] == [None] * 5
    assert entry["reason"] == "second model: Malignant is never predicted in this part"
    absent = [one.subset(one.labels < 2) for one in (first, table(0.5, seed=1))]
    found = compare(*absent, SETTINGS)
    assert found["per_class"]["Malignant"]["auc"]["reason"] == "no Malignant image in this part"
    assert found["delong"]["Malignant"]["p_value"] is None
