from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from osteolens.evaluation.metrics import (
    CLASS_METRICS,
    OVERALL_METRICS,
    compute_metrics,
    confusion_matrix,
    point_metrics,
    sample_sizes,
    undefined_reasons,
)

NAMES = ("Normal", "Benign", "Malignant", "Other")
bounded = settings(max_examples=60, deadline=None)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities in quarters or hundredths: ties, zeros, absent classes and single rows all occur."""
    classes = draw(st.integers(2, 4))
    images = draw(st.integers(1, 40))
    parts = draw(st.sampled_from((4, 100)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    there = draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes, unique=True))
    labels = generator.choice(there, size=images)
    shares = generator.multinomial(parts, generator.dirichlet(np.ones(classes)), size=images)
    return labels.astype(np.int64), shares / parts


def expected(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | list[float]]:
    """The same figures by scikit-learn, NaN where the rules of the package call them undefined."""
    classes = range(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, support = sk.precision_recall_fscore_support(
            labels, predicted, labels=list(classes), zero_division=np.nan
        )
        one_sided = [support[k] in {0, len(labels)} for k in classes]
        values: dict[str, float | list[float]] = {
            "auc": [math.nan if one_sided[k] else sk.roc_auc_score(labels == k, probabilities[:, k]) for k in classes],
            "average_precision": [
                sk.average_precision_score(labels == k, probabilities[:, k]) if support[k] else math.nan
                for k in classes
            ],
            "sensitivity": list(recall),
            "specificity": [sk.recall_score(labels != k, predicted != k, zero_division=np.nan) for k in classes],
            "precision": list(precision),
            "f1": [f1[k] if support[k] else math.nan for k in classes],
            "accuracy": sk.accuracy_score(labels, predicted),
            "cohen_kappa": sk.cohen_kappa_score(labels, predicted),
            "mcc": sk.matthews_corrcoef(labels, predicted),
        }
        balanced = sk.balanced_accuracy_score(labels, predicted)
    absent = not all(support)
    values["balanced_accuracy"] = math.nan if absent else balanced
    values["macro_auc"] = float(np.mean(values["auc"]))
    values["macro_average_precision"] = float(np.mean(values["average_precision"]))
    values["macro_f1"] = math.nan if absent else sk.f1_score(labels, predicted, average="macro")
    values["macro_precision"] = float(np.mean(precision))
    values["macro_specificity"] = float(np.mean(values["specificity"]))
    values["weighted_f1"] = sk.f1_score(labels, predicted, average="weighted", zero_division=0)
    if len(set(labels)) == 1 or len(set(predicted)) == 1:
        values["mcc"] = math.nan  # scikit-learn says 0 here
    return values


@bounded
@given(tables())
@example((np.array([1]), np.array([[0.0, 1.0]])))  # one row, right, of two classes
@example((np.array([2]), np.array([[0.5, 0.5, 0.0]])))  # one row whose class has no probability
@example((np.array([0, 1, 2, 1]), np.full((4, 3), 1 / 3)))  # nothing but ties
@example((np.array([0, 0, 1, 1]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.2, 0.8, 0.0], [0.1, 0.9, 0.0]])))
def test_point_values_equal_scikit_learn(table: tuple[np.ndarray, np.ndarray]) -> None:
    values = point_metrics(*table)
    reference = expected(*table)
    assert set(values) == set(reference) == {*OVERALL_METRICS, *CLASS_METRICS}
    for name, value in reference.items():
        np.testing.assert_allclose(values[name], value, rtol=0, atol=1e-12, err_msg=name)


def test_macro_auc_equals_scikit_learns_multiclass_one() -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 3, 200)
    probabilities = generator.dirichlet(np.ones(3), 200)
    reference = sk.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert point_metrics(labels, probabilities)["macro_auc"] == pytest.approx(reference, abs=1e-12)


@bounded
@given(tables(), st.integers(0, 2**32 - 1))
def test_counts_equal_repeated_rows(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, probabilities = table
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(labels)))
    weights[:, 0] += 1  # no resample is empty
    values = compute_metrics(labels, probabilities, weights)
    for row, counts in enumerate(weights):
        chosen = np.repeat(np.arange(len(labels)), counts)
        for name, value in expected(labels[chosen], probabilities[chosen]).items():
            np.testing.assert_allclose(values[name][row], value, rtol=0, atol=1e-12, err_msg=name)


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    labels, probabilities = generator.integers(0, 3, 30), generator.dirichlet(np.ones(3), 30)
    weights = generator.integers(0, 3, size=(11, 30))
    whole = compute_metrics(labels, probabilities, weights)
    monkeypatch.setattr("osteolens.evaluation.metrics.BLOCK_CELLS", 120)  # blocks of 4, 4 and 3 resamples
    blocks = compute_metrics(labels, probabilities, weights)
    for name, value in whole.items():
        np.testing.assert_allclose(blocks[name], value, rtol=0, atol=1e-13, err_msg=name)


def test_worked_by_hand() -> None:
    # truth 0 0 1 1 2; predicted 0 1 1 1 0. Matrix [[1 1 0] [0 2 0] [1 0 0]].
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    values = point_metrics(labels, probabilities)
    assert values["accuracy"] == pytest.approx(3 / 5)
    assert values["sensitivity"] == pytest.approx([1 / 2, 1, 0])
    assert values["specificity"] == pytest.approx([2 / 3, 2 / 3, 1])
    assert values["precision"][:2] == pytest.approx([1 / 2, 2 / 3])
    assert math.isnan(values["precision"][2])
    assert values["f1"] == pytest.approx([1 / 2, 4 / 5, 0])
    # class 1: positives .7 .6 against .1 .6 .2: five pairs won, one tied, of six
    # class 2: positive .3 against .1 .1 .1 .3: three won, one tied, of four
    # class 0: positives .8 .3 against .2 .1 .5: all won but .3 against .5
    assert values["auc"] == pytest.approx([5 / 6, 5.5 / 6, 3.5 / 4])
    # class 1: threshold .7 gains half at precision 1; .6 gains half at 2 of 3. class 2: .3 gains all at 1 of 2.
    assert values["average_precision"] == pytest.approx([1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 2])
    # chance agreement (2*2 + 2*3 + 1*0) / 25 = .4; (.6 - .4) / (1 - .4)
    assert values["cohen_kappa"] == pytest.approx(1 / 3)
    # numerator 5 times 3 less 10, denominator the root of 25 - 9 times 25 - 13
    assert values["mcc"] == pytest.approx(5 / math.sqrt(192))


@bounded
@given(tables())
def test_every_undefined_value_has_a_reason_and_no_other(table: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = table
    names = NAMES[: probabilities.shape[1]]
    values = point_metrics(labels, probabilities)
    undefined = {(metric, None) for metric in OVERALL_METRICS if np.isnan(values[metric])}
    undefined |= {(metric, names[k]) for metric in CLASS_METRICS for k in np.flatnonzero(np.isnan(values[metric]))}
    reasons = undefined_reasons(labels, probabilities.argmax(axis=1), names)
    assert set(reasons) == undefined
    assert all(reasons.values())


def test_reasons_name_the_class() -> None:
    labels, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])
    reasons = undefined_reasons(labels, predicted, NAMES[:3])
    assert reasons["auc", "Malignant"] == "no Malignant image in this part"
    assert reasons["macro_auc", None] == "no Malignant image in this part"
    assert reasons["precision", "Benign"] == "Benign is never predicted in this part"
    assert reasons["mcc", None] == "one and the same class is predicted for all images in this part"
    assert ("cohen_kappa", None) not in reasons


def test_one_class_only_says_so() -> None:
    reasons = undefined_reasons(np.array([1, 1]), np.array([1, 1]), NAMES[:2])
    assert reasons["specificity", "Benign"] == "only Benign images in this part"
    assert reasons["macro_auc", None] == "no Normal image in this part; only Benign images in this part"
    assert reasons["cohen_kappa", None] == "all images and all predictions in this part are of one class"
    assert reasons["mcc", None] == "all images in this part are of one class"


def test_an_empty_resample_is_undefined_throughout() -> None:
    values = compute_metrics(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((1, 2)))
    assert all(np.isnan(value).all() for value in values.values())


def test_confusion_matrix_has_the_truth_in_rows() -> None:
    assert confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 1]), 3).tolist() == [[0, 2, 0], [0, 1, 0], [0, 0, 0]]


@bounded
@given(tables())
def test_sample_sizes_are_the_denominators(table: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = table[0], table[1].argmax(axis=1)
    classes = table[1].shape[1]
    sizes = sample_sizes(labels, predicted, classes)
    assert set(sizes) == set(CLASS_METRICS)
    for k, ((passed, alarms), (missed, hits)) in enumerate(
        sk.multilabel_confusion_matrix(labels, predicted, labels=list(range(classes)))
    ):
        assert sizes["sensitivity"][k] == sizes["auc"][k] == sizes["average_precision"][k] == hits + missed
        assert sizes["specificity"][k] == passed + alarms
        assert sizes["precision"][k] == hits + alarms
        assert sizes["f1"][k] == hits + alarms + missed
