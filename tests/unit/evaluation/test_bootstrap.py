from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteolens.evaluation.bootstrap import bootstrap_weights, case_strata, percentile_interval


@st.composite
def clustered(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Case ids and labels; a case may hold several images and classes."""
    images = draw(st.integers(1, 30))
    cases = draw(st.lists(st.integers(0, 8), min_size=images, max_size=images))
    labels = draw(st.lists(st.integers(0, 2), min_size=images, max_size=images))
    return np.array([f"case{case}" for case in cases]), np.array(labels)


def rarest_class(cases: np.ndarray, labels: np.ndarray) -> dict[str, int]:
    """Stratum of each case, found the plain way."""
    images = {label: int((labels == label).sum()) for label in set(labels.tolist())}
    return {
        case: min(set(labels[cases == case].tolist()), key=lambda label: (images[label], -label)) for case in set(cases)
    }


@settings(max_examples=60, deadline=None)
@given(clustered(), st.integers(0, 2**32 - 1))
def test_cases_are_drawn_whole_and_each_stratum_keeps_its_size(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    cases, labels = table
    weights = bootstrap_weights(cases, labels, 25, np.random.default_rng(seed))
    assert weights.shape == (25, len(cases))
    stratum = rarest_class(cases, labels)
    drawn = dict.fromkeys(stratum.values(), np.zeros(25, dtype=int))
    for case, of in stratum.items():
        own = weights[:, cases == case]
        assert (own == own[:, :1]).all()
        drawn[of] = drawn[of] + own[:, 0]
    for of, total in drawn.items():
        assert (total == sum(other == of for other in stratum.values())).all()
    rarest = min(set(labels.tolist()), key=lambda label: ((labels == label).sum(), -label))
    assert (weights[:, labels == rarest].sum(axis=1) > 0).all()


def test_a_mixed_case_belongs_to_its_rarest_class() -> None:
    cases = np.array(["a", "a", "b", "b", "c", "d"])
    labels = np.array([0, 2, 0, 1, 1, 0])  # class 2 has one image, class 1 two, class 0 three
    case_of_image, stratum_of_case = case_strata(cases, labels)
    assert case_of_image.tolist() == [0, 0, 1, 1, 2, 3]
    a, b, c, d = stratum_of_case.tolist()
    assert b == c
    assert len({a, b, d}) == 3


def test_of_equally_rare_classes_the_higher_index_counts() -> None:
    strata = case_strata(np.array(["a", "a", "b", "c"]), np.array([0, 1, 0, 1]))[1]
    assert strata[0] == strata[2] != strata[1]


def test_same_seed_same_draws_and_row_order_does_not_matter() -> None:
    cases = np.array([f"case{index // 3}" for index in range(60)])
    labels = np.arange(60) // 20
    first = bootstrap_weights(cases, labels, 10, np.random.default_rng(3))
    assert (first == bootstrap_weights(cases, labels, 10, np.random.default_rng(3))).all()
    assert (first != bootstrap_weights(cases, labels, 10, np.random.default_rng(4))).any()
    shuffled = np.random.default_rng(0).permutation(60)
    again = bootstrap_weights(cases[shuffled], labels[shuffled], 10, np.random.default_rng(3))
    assert (again == first[:, shuffled]).all()


def test_single_image_cases_agree_with_the_ordinary_stratified_bootstrap() -> None:
    # 40 images of class 0, 30 of them right; 10 of class 1, 2 of them right.
    labels = np.repeat([0, 1], [40, 10])
    right = np.concatenate([np.ones(30), np.zeros(10), np.ones(2), np.zeros(8)])
    cases = np.array([f"case{index}" for index in range(50)])
    weights = bootstrap_weights(cases, labels, 20_000, np.random.default_rng(1))
    accuracy = weights @ right / 50
    # Hits in a stratum are binomial: the variances 40 * 3/4 * 1/4 and 10 * 1/5 * 4/5 add up.
    assert accuracy.mean() == pytest.approx(32 / 50, abs=0.002)
    assert accuracy.std() == pytest.approx(math.sqrt(7.5 + 1.6) / 50, rel=0.02)


def test_clustered_images_give_the_wider_interval_that_theory_says() -> None:
    # 25 cases of 9 images that are all right or all wrong: the images count for no more than their cases.
    right = np.repeat(np.arange(25) < 15, 9).astype(float)
    labels = np.zeros(225, dtype=int)
    of_case = np.array([f"case{index // 9:02d}" for index in range(225)])
    of_image = np.array([f"case{index:03d}" for index in range(225)])
    spread = {}
    for kind, cases in (("case", of_case), ("image", of_image)):
        accuracy = bootstrap_weights(cases, labels, 10_000, np.random.default_rng(2)) @ right / 225
        spread[kind] = accuracy.std()
    assert spread["case"] == pytest.approx(math.sqrt(0.6 * 0.4 / 25), rel=0.03)
    assert spread["image"] == pytest.approx(math.sqrt(0.6 * 0.4 / 225), rel=0.03)


def test_percentile_interval_of_known_values() -> None:
    samples = np.arange(101.0)[::-1]
    low, high = percentile_interval(samples, 0.9)
    assert (low, high) == (pytest.approx(5), pytest.approx(95))
    low, high = percentile_interval(np.stack([samples, 2 * samples], axis=1), 0.5)
    assert low.tolist() == pytest.approx([25, 50])
    assert high.tolist() == pytest.approx([75, 150])


def test_few_undefined_resamples_are_left_out_many_forbid_an_interval() -> None:
    few = np.concatenate([np.arange(96.0), np.full(4, np.nan)])
    low, high = percentile_interval(few, 0.95)
    assert low == pytest.approx(95 * 0.025)
    assert high == pytest.approx(95 * 0.975)
    many = np.concatenate([np.arange(90.0), np.full(10, np.nan)])
    assert np.isnan(percentile_interval(many, 0.95)).all()
