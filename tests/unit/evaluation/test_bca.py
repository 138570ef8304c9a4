from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from osteolens.evaluation.bca import acceleration, bca_interval, jackknife_metrics
from osteolens.evaluation.bootstrap import percentile_interval


def test_one_stratum_equals_scipys_bca() -> None:
    sample = np.random.default_rng(1).exponential(size=40)
    theirs = stats.bootstrap((sample,), np.var, n_resamples=999, method="BCa", rng=np.random.default_rng(2))
    left_out = np.array([np.var(np.delete(sample, case)) for case in range(40)])
    skew = acceleration(left_out, np.zeros(40, dtype=np.intp))
    low, high, used = bca_interval(np.var(sample), theirs.bootstrap_distribution, skew, 0.95)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)
    assert used
    plain = percentile_interval(theirs.bootstrap_distribution, 0.95)
    assert low > plain[0]  # a variance is biased downwards: the limits move up
    assert high > plain[1]


def test_strata_equal_scipys_bca_of_several_samples() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.exponential(size=25), generator.exponential(size=10) ** 2

    def ratio(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(y, axis=axis) / np.mean(x, axis=axis)

    theirs = stats.bootstrap(
        (first, second), ratio, n_resamples=999, method="BCa", vectorized=True, rng=np.random.default_rng(4)
    )
    left_out = [ratio(np.delete(first, case), second) for case in range(25)]
    left_out += [ratio(first, np.delete(second, case)) for case in range(10)]
    skew = acceleration(np.array(left_out), np.repeat([0, 1], [25, 10]))
    low, high, _ = bca_interval(ratio(first, second), theirs.bootstrap_distribution, skew, 0.95)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_many_metrics_at_once_equal_one_by_one() -> None:
    generator = np.random.default_rng(5)
    samples = generator.exponential(size=(500, 2, 3))
    samples[:10, 0, 0] = np.nan
    values, skews = np.full((2, 3), 0.6), generator.uniform(-0.2, 0.2, (2, 3))
    together = bca_interval(values, samples, skews, 0.9)
    for at in np.ndindex(2, 3):
        alone = bca_interval(values[at], samples[(slice(None), *at)], skews[at], 0.9)
        assert [one[at] for one in together] == [pytest.approx(limit) for limit in alone]
    without = bca_interval(values[0, 0], samples[10:, 0, 0], skews[0, 0], 0.9)
    assert together[0][0, 0] == pytest.approx(without[0])


@pytest.mark.parametrize(
    ("value", "skew"),
    [
        (0.5, math.nan),  # undefined without some case
        (-1.0, 0.1),  # every resample is above the value
        (2.0, 0.1),  # below it
        (0.99, 0.5),  # a bias of 2.3: the upper level would turn back
    ],
)
def test_percentiles_where_bca_is_undefined(value: float, skew: float) -> None:
    samples = np.linspace(0, 1, 101)
    low, high, used = bca_interval(np.float64(value), samples, np.float64(skew), 0.9)
    assert (low, high) == pytest.approx((0.05, 0.95))
    assert not used


def test_no_bias_and_no_skew_give_the_percentiles() -> None:
    low, high, used = bca_interval(np.float64(0.5), np.linspace(0, 1, 101), np.float64(0), 0.9)
    assert (low, high) == pytest.approx((0.05, 0.95))
    assert used


def test_too_many_undefined_resamples_forbid_limits() -> None:
    samples = np.append(np.linspace(0, 1, 90), np.full(10, np.nan))
    low, high, used = bca_interval(np.float64(0.5), samples, np.float64(0.1), 0.95)
    assert np.isnan([low, high]).all()
    assert not used


def clustered_table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # strata by the rarest class: cases 0-3 hold class 0, 4-5 class 1, 6-8 class 2 (case 8 an image of class 0 besides)
    cases = np.array([0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 8])
    labels = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 0])
    probabilities = np.random.default_rng(6).dirichlet(np.ones(3), 15) + 0.4 * np.eye(3)[labels]
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True), np.char.add("case", cases.astype(str))


def test_jackknife_equals_scikit_learn_with_the_weights_of_the_strata() -> None:
    labels, probabilities, cases = clustered_table()
    values = jackknife_metrics(labels, probabilities, cases)
    predicted = probabilities.argmax(axis=1)
    strata = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    stand_in = {0: 4 / 3, 1: 2.0, 2: 3 / 2}
    number = np.array([int(case.removeprefix("case")) for case in cases])
    for case in range(9):
        weights = np.where(strata[number] == strata[case], stand_in[strata[case]], 1.0)
        weights[number == case] = 0
        accuracy = sk.accuracy_score(labels, predicted, sample_weight=weights)
        kappa = sk.cohen_kappa_score(labels, predicted, sample_weight=weights)
        assert values["accuracy"][case] == pytest.approx(accuracy, abs=1e-12)
        assert values["cohen_kappa"][case] == pytest.approx(kappa, abs=1e-12)
        for k in range(3):
            area = sk.roc_auc_score(labels == k, probabilities[:, k], sample_weight=weights)
            mean = sk.average_precision_score(labels == k, probabilities[:, k], sample_weight=weights)
            assert values["auc"][case, k] == pytest.approx(area, abs=1e-12)
            assert values["average_precision"][case, k] == pytest.approx(mean, abs=1e-12)


def test_blocks_of_cases_do_not_change_the_jackknife(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jackknife_metrics(*clustered_table())
    monkeypatch.setattr("osteolens.evaluation.bca.LEFT_OUT_CELLS", 60)  # blocks of 4, 4 and 1 cases
    blocks = jackknife_metrics(*clustered_table())
    for name, values in whole.items():
        np.testing.assert_allclose(blocks[name], values, atol=1e-13, err_msg=name)


def test_a_stratum_of_one_case_has_no_influence() -> None:
    # without the only case of stratum 1 the metric is undefined; the others are those of a mean of 1, 2 and 6
    left_out = np.array([4.0, 3.5, 1.5, np.nan])
    skew = acceleration(left_out, np.array([0, 0, 0, 1]))
    influence = np.array([-1.0, -0.5, 1.5])
    assert skew == pytest.approx((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))
    assert np.isnan(acceleration(left_out, np.array([0, 0, 0, 0])))
    assert np.isnan(acceleration(np.full(4, 0.7), np.array([0, 0, 1, 1])))
