from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from osteolens.evaluation.entries import effective_cases, entry, resampled_entry, share_entry


def test_nan_becomes_none_with_its_reason() -> None:
    assert entry(float("nan"), reason="no image") == {"value": None, "low": None, "high": None, "reason": "no image"}
    assert entry(0.5, 0.25, 0.75) == {"value": 0.5, "low": 0.25, "high": 0.75, "reason": None}


def test_resampled_values_give_percentiles_unless_they_never_differ() -> None:
    whole = resampled_entry(50.0, np.arange(101.0), 0.9)
    assert (whole["value"], whole["reason"]) == (50.0, None)
    assert (whole["low"], whole["high"]) == (pytest.approx(5), pytest.approx(95))
    assert whole["method"] == "percentile"
    none = {"low": None, "high": None, "method": None, "reason": "the resamples do not differ: no interval"}
    assert resampled_entry(0.25, np.full(100, 0.25), 0.9) == {"value": 0.25, **none}
    # sums in another order: 0.1 + 0.2 + 0.3 is not 0.6 to the last digit
    rounded = np.where(np.arange(100) % 2, 0.1 + 0.2 + 0.3, 0.6)
    assert resampled_entry(0.6, rounded, 0.9) == {"value": 0.6, **none}


def test_undefined_resamples_are_told_and_too_many_forbid_an_interval() -> None:
    samples = np.arange(100.0)
    samples[:5] = np.nan
    few = resampled_entry(50.0, samples, 0.95, note="of two parts")
    assert few["low"] == pytest.approx(5 + 0.025 * 94)
    assert few["reason"] == "of two parts; undefined in 5 of 100 resamples, which are left out"
    samples[:20] = np.nan
    many = resampled_entry(50.0, samples, 0.95)
    assert (many["low"], many["high"], many["method"]) == (None, None, None)
    assert many["reason"] == "undefined in 20 of 100 resamples, too many for an interval"


def test_an_acceleration_gives_bca_limits() -> None:
    # without bias and acceleration BCa is the percentile method
    samples = np.arange(101.0)
    found = resampled_entry(50.0, samples, 0.9, acceleration=0.0)
    assert (found["low"], found["high"], found["method"]) == (pytest.approx(5), pytest.approx(95), "bca")
    fallen_back = resampled_entry(50.0, samples, 0.9, acceleration=float("nan"))
    assert (fallen_back["low"], fallen_back["method"]) == (pytest.approx(5), "percentile")


@pytest.mark.parametrize("hits", [0, 1, 8, 10])
@pytest.mark.parametrize("images", [1, 3])
def test_wilson_interval_counts_cases(hits: int, images: int) -> None:
    # Ten cases of equal size whose images agree: as many observations as cases, however many images.
    found = share_entry(np.repeat(np.arange(10) < hits, images), np.repeat(np.arange(10).astype(str), images), 0.95)
    reference = binomtest(hits, 10).proportion_ci(0.95, method="wilson")
    assert (found["low"], found["high"]) == (pytest.approx(reference.low), pytest.approx(reference.high))
    assert (found["value"], found["n"], found["cases"]) == (hits / 10, 10 * images, 10)


def test_a_large_case_counts_for_less_than_its_images() -> None:
    # Sizes 3 and 1: Kish's number is 16 / 10. At a share of 1 Wilson's lower limit is n / (n + z^2).
    found = share_entry(np.ones(4, dtype=bool), np.array(["a", "a", "a", "b"]), 0.95)
    assert found["low"] == pytest.approx(1.6 / (1.6 + 1.959963985**2))
    assert found["high"] == 1.0


@pytest.mark.parametrize(("sizes", "number"), [([], 0), ([5], 1), ([1] * 10, 10), ([30, *[1] * 9], 39**2 / 909)])
def test_effective_cases_by_hand(sizes: list[int], number: float) -> None:
    assert effective_cases(np.repeat(np.arange(len(sizes)), sizes).astype(str)) == pytest.approx(number)


def test_no_image_is_no_share() -> None:
    found = share_entry(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.str_), 0.95)
    assert found == {"value": None, "low": None, "high": None, "reason": "no image", "n": 0, "cases": 0}


@pytest.mark.parametrize("together", [True, False])
def test_interval_covers_a_share_near_one_in_clustered_data(together: bool) -> None:
    generator = np.random.default_rng(5)
    cases = np.repeat(np.arange(60).astype(str), 3)
    covered = 0
    for _ in range(500):
        draws = np.repeat(generator.random(60), 3) if together else generator.random(180)
        found = share_entry(draws < 0.93, cases, 0.95)
        covered += found["low"] <= 0.93 <= found["high"]
    assert covered / 500 >= (0.92 if together else 0.98)  # the simulation's own error is 0.01
