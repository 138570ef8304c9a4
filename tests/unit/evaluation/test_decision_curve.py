from __future__ import annotations

import numpy as np
import pytest

from osteolens.evaluation.decision_curve import THRESHOLDS, decision_curve, net_benefit


def test_net_benefit_worked_out_by_hand() -> None:
    positive = np.array([True, True, False, False, False])
    probabilities = np.array([0.9, 0.2, 0.5, 0.2, 0.1])
    found = net_benefit(positive, probabilities, np.array([0.2, 0.5, 0.95]), np.ones((1, 5)))[0]
    # at 0.2: 2 hits, 2 false alarms at 1/4; at 0.5, which counts as reached: 1 hit, 1 false alarm at 1; then nobody
    assert found == pytest.approx([(2 - 2 / 4) / 5, (1 - 1) / 5, 0.0])
    twice = net_benefit(positive, probabilities, np.array([0.2]), np.array([[2, 0, 1, 0, 2]]))
    assert twice == pytest.approx(np.array([[(2 - 1 / 4) / 5]]))


def test_acting_on_all_and_a_perfect_model() -> None:
    positive = np.arange(20) < 5
    curve = decision_curve(positive, positive.astype(float), np.ones((100, 20)), 0.95)
    at = np.array(THRESHOLDS)
    assert curve["prevalence"] == 0.25
    assert curve["model"] == pytest.approx([0.25] * 99)
    assert curve["treat_all"] == pytest.approx(0.25 - 0.75 * at / (1 - at))
    assert (curve["treat_none"], curve["reason"]) == (0.0, None)
    assert curve["treat_all"][24] == pytest.approx(0)  # acting on all pays up to the prevalence


def test_intervals_hold_the_value_and_agree_with_each_resample() -> None:
    generator = np.random.default_rng(1)
    positive = np.arange(200) % 4 == 0
    probabilities = np.clip(generator.random(200) * 0.6 + 0.3 * positive, 0, 1)
    weights = generator.multinomial(200, np.full(200, 1 / 200), size=400)
    curve = decision_curve(positive, probabilities, weights, 0.9)
    each = []
    for row in weights:
        drawn = np.repeat(np.arange(200), row)
        acted = probabilities[drawn] >= 0.3
        each.append((acted & positive[drawn]).mean() - (acted & ~positive[drawn]).mean() * 3 / 7)
    assert (curve["low"][29], curve["high"][29]) == pytest.approx(tuple(np.quantile(each, [0.05, 0.95])))
    assert curve["low"][29] < curve["model"][29] < curve["high"][29]


@pytest.mark.parametrize(("share", "kind"), [(0, "negative"), (1, "positive")])
def test_nothing_to_decide_without_both_kinds(share: int, kind: str) -> None:
    curve = decision_curve(np.full(4, share, dtype=bool), np.full(4, 0.5), np.ones((100, 4)), 0.95)
    assert curve["reason"] == f"all images are {kind}: there is nothing to decide"
    assert curve["model"] == []
