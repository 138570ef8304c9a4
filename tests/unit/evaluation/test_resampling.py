from __future__ import annotations

import numpy as np
import pytest

from osteolens.config import Config
from osteolens.evaluation.resampling import Resampling


def test_the_defaults_are_those_of_the_configuration() -> None:
    assert Resampling() == Resampling.of(Config()) == Resampling(1000, 0.95, 42, "bca")


def test_what_a_configuration_asks_for() -> None:
    options = ("evaluation.bootstrap_resamples=300", "evaluation.confidence=0.9", "evaluation.intervals=percentile")
    config = Config().with_overrides("seed=7", *options)
    assert Resampling.of(config) == Resampling(resamples=300, confidence=0.9, seed=7, method="percentile")


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_the_draws_follow_seed_and_cases_and_nothing_else(method: str) -> None:
    cases, labels = np.array(["b", "a", "c", "c"]), np.array([0, 1, 0, 0])
    drawn = Resampling(50, 0.9, 3, method).weights(cases, labels)  # type: ignore[arg-type]
    assert drawn.shape == (50, 4)
    assert (drawn[:, 1] == 1).all()  # the only case of its class
    assert (drawn[:, 2] == drawn[:, 3]).all()  # one case
    assert (drawn[:, 0] + drawn[:, 2] == 2).all()  # two cases of the other class, drawn twice
    turned = Resampling(50, 0.95, 3).weights(cases[::-1], labels[::-1])
    assert (turned[:, ::-1] == drawn).all()
    assert (Resampling(50, 0.9, 4).weights(cases, labels) != drawn).any()
