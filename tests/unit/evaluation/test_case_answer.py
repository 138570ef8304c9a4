from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import gmean

from osteolens.errors import EvaluationError
from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.case_answer import answer_case, divergences, pooled_probabilities

CLASSES = ("Normal", "Benign", "Malignant")


def test_two_views_by_hand() -> None:
    # roots of 0.8 x 0.2, 0.1 x 0.4 and 0.1 x 0.4 are 0.4, 0.2 and 0.2, of sum 0.8
    found = answer_case(np.array([[0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]), CLASSES)
    assert found.probabilities == pytest.approx({"Normal": 0.5, "Benign": 0.25, "Malignant": 0.25})
    assert found.label == "Normal"
    assert found.view_classes == ("Normal", "Benign")
    assert found.votes == {"Normal": 1, "Benign": 1}
    assert found.agrees is False
    assert found.least_alike == (0, 1)


def test_views_that_say_the_same_make_the_answer_no_surer() -> None:
    one = [0.7, 0.2, 0.1]
    found = answer_case(np.array([one] * 5), CLASSES)
    assert list(found.probabilities.values()) == pytest.approx(one)
    for views in (1, 2, 3, 7):  # to the last digit: cases that say the same are tied
        assert np.array_equal(pooled_probabilities(np.array([one] * views)), list(found.probabilities.values()))
    assert (found.agrees, found.divergence, found.least_alike) == (True, 0, (0, 1))
    assert found.disagreement.startswith("All 5 views name Normal; views 1 and 2 are least alike, 0.00 apart")


def test_a_sure_view_outvotes_two_that_are_not() -> None:
    # roots of the third degree: 0.6 x 0.6 x 0.01 = 0.0036 against 0.4 x 0.4 x 0.99 = 0.1584, a ratio of 1 to 44
    found = answer_case(np.array([[0.6, 0.4], [0.6, 0.4], [0.01, 0.99]]), ("Benign", "Malignant"))
    assert found.probabilities["Malignant"] == pytest.approx(1 / (1 + 44 ** (-1 / 3)))
    assert found.label == "Malignant"
    assert found.votes == {"Benign": 2, "Malignant": 1}
    assert found.least_alike == (0, 2)
    assert found.disagreement.startswith("Of 3 views the classes are Benign in 2, Malignant in 1; views 1 and 3 are")


def test_equal_to_scipy_in_any_order_of_views() -> None:
    views = np.random.default_rng(3).dirichlet(np.ones(3), 6)
    expected = gmean(views, axis=0) / gmean(views, axis=0).sum()
    assert pooled_probabilities(views) == pytest.approx(expected)
    assert np.array_equal(pooled_probabilities(views[::-1]), pooled_probabilities(views))
    apart = [[jensenshannon(p, q, base=2) ** 2 for q in views] for p in views]
    assert divergences(views) == pytest.approx(np.array(apart), abs=1e-12)
    found = answer_case(views, CLASSES)
    assert found.divergence == pytest.approx(np.max(apart))
    assert apart[found.least_alike[0]][found.least_alike[1]] == pytest.approx(np.max(apart))


def test_a_zero_counts_as_the_floor_and_sure_views_of_two_classes_are_one_bit_apart() -> None:
    floor = np.finfo(np.float64).eps
    found = answer_case(np.array([[1.0, 0.0], [0.5, 0.5]]), ("Benign", "Malignant"))
    odds = np.sqrt(floor)  # of 0 against 1, halved by the view that does not know
    assert found.probabilities["Malignant"] == pytest.approx(odds / (1 + odds), rel=1e-6)
    both = answer_case(np.eye(2), ("Benign", "Malignant"))
    assert both.probabilities == pytest.approx({"Benign": 0.5, "Malignant": 0.5})
    assert both.divergence == pytest.approx(1)


def test_half_a_view_of_a_class_in_bits_by_hand() -> None:
    # the middle of (1, 0) and (0.5, 0.5) is (0.75, 0.25), of 0.8112781 bits; their own entropies are 0 and 1 bit
    assert divergences(np.array([[1.0, 0.0], [0.5, 0.5]]))[0, 1] == pytest.approx(0.8112781245 - 0.5)


def test_calibrating_before_and_after_is_the_same() -> None:
    views = np.random.default_rng(4).dirichlet(np.ones(3), 4)
    scaling = Scaling("temperature", (0.5,) * 3, (0.0,) * 3, 100)
    before = pooled_probabilities(scaling.apply(views))
    assert before == pytest.approx(scaling.apply(pooled_probabilities(views)[None])[0])


def test_a_single_view_is_its_own_answer_and_disagrees_with_nothing() -> None:
    found = answer_case(np.array([[0.2, 0.5, 0.3]]), CLASSES)
    assert found.probabilities == pytest.approx({"Normal": 0.2, "Benign": 0.5, "Malignant": 0.3})
    assert (found.divergence, found.least_alike, found.agrees) == (None, None, True)
    assert found.disagreement == "There is one view, so nothing could disagree with it."


def test_plain_values_for_json() -> None:
    found = json.loads(json.dumps(answer_case(np.array([[0.9, 0.1], [0.3, 0.7]]), ("Benign", "Malignant")).to_dict()))
    assert found["rule"] == "mean of log-probabilities"
    assert (found["label"], found["views"], found["agrees"]) == ("Benign", 2, False)
    assert found["view_classes"] == ["Benign", "Malignant"]
    assert found["least_alike"] == [0, 1]
    assert found["divergence_bits"] == pytest.approx(jensenshannon([0.9, 0.1], [0.3, 0.7], base=2) ** 2)


@pytest.mark.parametrize(
    ("views", "classes", "told"),
    [
        (np.empty((0, 3)), CLASSES, r"not an array of shape \(0, 3\)"),
        (np.array([0.2, 0.5, 0.3]), CLASSES, r"not an array of shape \(3,\)"),
        (np.array([[0.5, 0.5]]), CLASSES, "one row of 3 probabilities"),
        (np.array([[0.2, 0.5, 0.3], [2.0, -1.0, 0.0]]), CLASSES, "view 2 are no shares that sum to 1"),
        (np.array([[0.2, np.nan, 0.3]]), CLASSES, "view 1 are no shares"),
        (np.array([[0.2, 0.2, 0.2]]), CLASSES, "view 1 are no shares"),
        (np.array([[0.5, 0.5]]), ("Benign", "Benign"), "different names"),
    ],
)
def test_what_is_no_case_is_refused(views: np.ndarray, classes: tuple[str, ...], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        answer_case(views, classes)
