from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from osteolens.evaluation.selective import areas, risk_coverage, selective_figures


def whole(certainty: np.ndarray, correct: np.ndarray) -> tuple[float, float]:
    aurc, augrc = areas(*risk_coverage(certainty, correct, np.ones((1, len(correct)))))
    return float(aurc[0]), float(augrc[0])


def test_areas_worked_out_by_hand() -> None:
    certainty, correct = np.array([0.6, 0.9, 0.7, 0.8]), np.array([True, True, False, True])
    # by falling certainty right, right, wrong, right: selective risks 0, 0, 1/3, 1/4; generalised 0, 0, 1/4, 1/4
    aurc, augrc = whole(certainty, correct)
    assert aurc == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert augrc == pytest.approx((1 / 8 + 1 / 4) / 4)


def test_equal_certainty_is_answered_together() -> None:
    certainty, correct = np.array([0.9, 0.9, 0.5, 0.5]), np.array([True, False, True, False])
    # two steps, at half and at full coverage, each with a selective risk of 1/2: triangle of 1/2 by 1
    assert whole(certainty, correct) == (pytest.approx(0.5), pytest.approx(0.25))
    assert whole(np.ones(4), correct) == (pytest.approx(0.5), pytest.approx(0.25))


@pytest.mark.parametrize("digits", [1, 6])
def test_augrc_is_the_published_function_of_auroc_and_error_rate(digits: int) -> None:
    generator = np.random.default_rng(3)
    correct = generator.random(300) < 0.7
    certainty = np.round(generator.random(300) + 0.4 * correct, digits)  # one digit: many ties
    wrong, auroc = 1 - correct.mean(), roc_auc_score(correct, certainty)
    expected = (1 - auroc) * wrong * (1 - wrong) + wrong**2 / 2
    assert whole(certainty, correct)[1] == pytest.approx(expected)


def test_best_order_gives_half_the_square_of_the_error_rate() -> None:
    correct = np.arange(10) >= 3
    assert whole(np.arange(10) / 10, correct)[1] == pytest.approx(0.3**2 / 2)
    assert whole(np.ones(10), correct)[1] == pytest.approx(0.3 / 2)


def test_a_resample_is_the_table_with_rows_repeated() -> None:
    generator = np.random.default_rng(4)
    certainty, correct = generator.random(40), generator.random(40) < 0.6
    weights = generator.integers(0, 4, size=(5, 40))
    aurc, augrc = areas(*risk_coverage(certainty, correct, weights))
    for row in range(5):
        repeated = whole(np.repeat(certainty, weights[row]), np.repeat(correct, weights[row]))
        assert (aurc[row], augrc[row]) == (pytest.approx(repeated[0]), pytest.approx(repeated[1]))


def test_figures_and_curve() -> None:
    generator = np.random.default_rng(5)
    certainty = generator.random(250)
    correct = generator.random(250) < 0.4 + 0.5 * certainty
    weights = generator.multinomial(250, np.full(250, 1 / 250), size=300)
    found = selective_figures(certainty, correct, weights, 0.95)
    assert (found["aurc"]["value"], found["augrc"]["value"]) == pytest.approx(whole(certainty, correct))
    assert found["aurc"]["low"] < found["aurc"]["value"] < found["aurc"]["high"] < found["aurc"]["chance"]
    assert found["augrc"]["chance"] == pytest.approx(found["aurc"]["chance"] / 2)
    curve = found["curve"]
    order = np.argsort(-certainty)
    assert len(curve["coverage"]) == 100
    for coverage, risk, generalised in zip(*curve.values(), strict=True):
        answered = order[: round(coverage * 250)]
        assert risk == pytest.approx(1 - correct[answered].mean())
        assert generalised == pytest.approx((~correct[answered]).sum() / 250)
    assert curve["coverage"][-1] == 1.0


def test_without_an_error_there_is_no_spread() -> None:
    found = selective_figures(np.array([0.3, 0.4]), np.array([True, True]), np.ones((100, 2)), 0.95)
    assert found["augrc"] == {
        "value": 0.0,
        "low": None,
        "high": None,
        "reason": "the resamples do not differ: no interval",
        "method": None,
        "chance": 0.0,
    }
