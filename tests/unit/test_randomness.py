from __future__ import annotations

import numpy as np
import pytest

from osteolens.randomness import named_generator


def draws(seed: int, *name: str | int) -> list[int]:
    return named_generator(seed, *name).integers(0, 2**32, size=4).tolist()


def test_the_same_seed_and_name_give_the_same_draws_in_any_order_of_calls() -> None:
    first, second = draws(1, "augmentation", 0, 3), draws(1, "augmentation", 0, 4)
    assert draws(1, "augmentation", 0, 4) == second
    assert draws(1, "augmentation", 0, 3) == first
    assert first != second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "order"), (2, "order")),
        ((1, "bootstrap"), (1, "bootstrap maps")),  # the same first eight letters
        ((1, "split", "stratified"), (1, "split", "stratified2")),
        ((1, "abcdefgh"), (1, "abcd", "efgh")),
        ((1, "a", "b"), (1, "b", "a")),
        ((1, "a", 1, 23), (1, "a", 12, 3)),
        ((1, "a"), (1, "a", "")),
        ((0,), (0, 0)),
        ((1, "größe"), (1, "grösse")),
    ],
)
def test_another_seed_or_name_gives_other_draws(one: tuple[int, str], other: tuple[int, str]) -> None:
    assert draws(*one) != draws(*other)


def test_many_names_give_draws_that_look_independent() -> None:
    first = np.array(
        [named_generator(7, "augmentation", epoch, index).random() for epoch in range(20) for index in range(100)]
    )
    assert len(set(first)) == 2000
    assert abs(first.mean() - 0.5) < 4 / np.sqrt(12 * 2000)  # four standard errors of a uniform mean
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4 / np.sqrt(2000)


def test_numpy_integers_name_the_same_draws_as_integers() -> None:
    assert draws(3, "order", int(np.int64(5))) == draws(3, "order", np.int64(5))  # type: ignore[arg-type]
