from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from osteolens.evaluation.delong import auc_covariance, auc_difference, auc_interval


def kernel(x: float, y: float) -> float:
    """DeLong's psi: whether a positive is scored above a negative, half for a tie."""
    return 1.0 if x > y else 0.5 if x == y else 0.0


def slow_covariance(positive: np.ndarray, scores: np.ndarray, cases: np.ndarray) -> np.ndarray:
    """Obuchowski's formulas (Biometrics 1997, section 2) written out, image by image and case by case."""
    kinds = range(len(scores))
    found, passed = np.flatnonzero(positive), np.flatnonzero(~positive)
    m, n = len(found), len(passed)
    v10 = [{i: sum(kernel(scores[r][i], scores[r][j]) for j in passed) / n for i in found} for r in kinds]
    v01 = [{j: sum(kernel(scores[r][i], scores[r][j]) for i in found) / m for j in passed} for r in kinds]
    area = [sum(v10[r].values()) / m for r in kinds]
    names = sorted(set(cases))
    i10, i01 = len(set(cases[found])), len(set(cases[passed]))

    def deviation(values: list[dict[int, float]], r: int, case: str) -> float:
        own = [value for image, value in values[r].items() if cases[image] == case]
        return sum(own) - len(own) * area[r]

    covariance = np.zeros((len(scores), len(scores)))
    for r in kinds:
        for s in kinds:
            s10 = sum(deviation(v10, r, c) * deviation(v10, s, c) for c in names) * i10 / ((i10 - 1) * m)
            s01 = sum(deviation(v01, r, c) * deviation(v01, s, c) for c in names) * i01 / ((i01 - 1) * n)
            factor = len(names) / (len(names) - 1)
            s11 = factor * sum(deviation(v10, r, c) * deviation(v01, s, c) for c in names)
            s11_turned = factor * sum(deviation(v10, s, c) * deviation(v01, r, c) for c in names)
            covariance[r, s] = s10 / m + s01 / n + (s11 + s11_turned) / (m * n)
    return covariance


def single(count: int) -> np.ndarray:
    return np.array([f"case{index}" for index in range(count)])


@st.composite
def ratings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, two scores with many ties, and cases of several images, also of both kinds."""
    images = draw(st.integers(4, 25))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    positive = generator.random(images) < 0.5
    positive[:4] = [True, True, False, False]
    cases = generator.integers(0, 8, images)
    cases[:4] = [0, 1, 0, 1]
    return positive, generator.integers(0, 6, (2, images)).astype(float), np.char.add("case", cases.astype(str))


@settings(max_examples=40, deadline=None)
@given(ratings())
def test_equals_the_formulas_written_out(table: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    positive, scores, cases = table
    areas, covariance = auc_covariance(positive, scores, cases)
    assert areas == pytest.approx([roc_auc_score(positive, score) for score in scores], abs=1e-12)
    np.testing.assert_allclose(covariance, slow_covariance(positive, scores, cases), atol=1e-12)
    _, alone = auc_covariance(positive, scores, single(len(positive)))
    np.testing.assert_allclose(alone, slow_covariance(positive, scores, single(len(positive))), atol=1e-12)


def test_delong_worked_by_hand() -> None:
    # positives .9 and .4 against negatives .5 and .1: placements 1 and 1/2; negatives 1/2 and 1; area 3/4.
    # S10 = (1/4)^2 + (1/4)^2 = 1/8, S01 the same: variance 1/16 + 1/16.
    positive = np.array([True, True, False, False])
    areas, covariance = auc_covariance(positive, np.array([[0.9, 0.4, 0.5, 0.1]]), single(4))
    assert areas.tolist() == [0.75]
    assert covariance[0, 0] == pytest.approx(1 / 8)


def test_copies_within_a_case_leave_the_variance_as_it_was() -> None:
    generator = np.random.default_rng(1)
    positive, scores = np.arange(30) < 12, generator.normal(size=(2, 30))
    scores[:, :12] += 1
    once = auc_covariance(positive, scores, single(30))
    cases = np.repeat(single(30), 5)
    copied = auc_covariance(np.repeat(positive, 5), np.repeat(scores, 5, axis=1), cases)
    np.testing.assert_allclose(copied[1], once[1], rtol=1e-12)
    as_if_independent = auc_covariance(np.repeat(positive, 5), np.repeat(scores, 5, axis=1), single(150))[1]
    assert as_if_independent[0, 0] < once[1][0, 0] / 4


def test_logit_interval_worked_by_hand() -> None:
    # As above: area 3/4, variance 1/16 + 1/16 from two cases each, so (1/8)^2 / (2 (1/16)^2) = 2 degrees of freedom,
    # where Student's quantile is 4.302653. It reaches 4.302653 sqrt(1/8) / (3/16) = 8.113159 about ln 3 = 1.098612.
    low, high = auc_interval(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.5, 0.1]), single(4), 0.95)
    assert low == pytest.approx(1 / (1 + math.exp(8.113159 - 1.098612)), rel=1e-5)
    assert high == pytest.approx(1 / (1 + math.exp(-8.113159 - 1.098612)), rel=1e-5)


def test_many_cases_need_no_wider_quantile_than_the_normal_one() -> None:
    generator = np.random.default_rng(4)
    positive = np.arange(4000) % 2 == 1
    scores = generator.normal(size=4000) + positive
    (area,), variance = auc_covariance(positive, scores[None], single(4000))
    low, high = auc_interval(positive, scores, single(4000), 0.95)
    reach = math.log(high / (1 - high)) - math.log(area / (1 - area))
    assert reach == pytest.approx(1.959964 * math.sqrt(variance[0, 0]) / (area * (1 - area)), rel=2e-3)
    assert math.log(area / (1 - area)) - math.log(low / (1 - low)) == pytest.approx(reach)


@pytest.mark.parametrize(
    ("scores", "cases"),
    [
        ([0.1, 0.2, 0.8, 0.9], "abcd"),  # an area of 1
        ([0.8, 0.9, 0.1, 0.2], "abcd"),  # of 0
        ([0.5, 0.5, 0.5, 0.5], "abcd"),  # every placement 1/2
        ([0.1, 0.8, 0.2, 0.9], "abcc"),  # the positives of one case
    ],
)
def test_no_interval_without_a_variance(scores: list[float], cases: str) -> None:
    positive = np.array([False, False, True, True])
    assert np.isnan(auc_interval(positive, np.array(scores), np.array(list(cases)), 0.95)).all()


def test_the_difference_is_that_of_the_covariance() -> None:
    generator = np.random.default_rng(2)
    positive = np.arange(80) < 30
    first = generator.normal(size=80) + positive
    second = first + generator.normal(size=80) + positive
    found = auc_difference(positive, first, second, single(80), 0.95)
    matrix = slow_covariance(positive, np.stack([first, second]), single(80))
    error = math.sqrt(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1])
    difference = roc_auc_score(positive, second) - roc_auc_score(positive, first)
    assert found.difference == pytest.approx(difference)
    assert (found.low, found.high) == pytest.approx((difference - 1.959964 * error, difference + 1.959964 * error))
    assert found.p_value == pytest.approx(math.erfc(abs(difference) / error / math.sqrt(2)))
    turned = auc_difference(positive, second, first, single(80), 0.95)
    assert (turned.difference, turned.p_value) == pytest.approx((-difference, found.p_value))


def test_two_scores_of_one_order_have_no_p_value() -> None:
    generator = np.random.default_rng(3)
    positive, score = np.arange(20) < 8, generator.normal(size=20)
    found = auc_difference(positive, score, np.exp(score), single(20), 0.95)
    assert found.difference == 0
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_what_is_missing_is_nan() -> None:
    scores = np.array([[0.1, 0.7, 0.4]])
    areas, covariance = auc_covariance(np.ones(3, dtype=bool), scores, single(3))
    assert np.isnan(areas).all()
    assert np.isnan(covariance).all()
    areas, covariance = auc_covariance(np.array([True, False, False]), scores, single(3))
    assert areas.tolist() == [0.0]
    assert np.isnan(covariance).all()  # one positive case
