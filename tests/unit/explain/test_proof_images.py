from __future__ import annotations

import numpy as np
import pytest

from osteolens.explain.proof_images import even_numbers, proof_rows


@pytest.mark.parametrize(
    ("available", "total", "numbers"),
    [
        ([30, 20, 10], 12, [4, 4, 4]),
        ([30, 20, 2], 12, [5, 5, 2]),  # the third gives 2 of its 4 to the others
        ([30, 0, 20], 5, [3, 0, 2]),
        ([3, 1, 2], 60, [3, 1, 2]),
    ],
)
def test_every_class_gives_as_many_as_it_can(available: list[int], total: int, numbers: list[int]) -> None:
    assert even_numbers(np.array(available), total).tolist() == numbers


def test_equal_numbers_by_answered_class_and_one_image_of_a_case() -> None:
    answers = np.repeat([0, 1, 2], [60, 30, 9])
    cases = np.concatenate([[f"n{i // 3}" for i in range(60)], [f"b{i // 3}" for i in range(30)], list("abcdefghi")])
    rows = proof_rows(answers, cases, 18, seed=1)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert np.bincount(answers[rows]).tolist() == [6, 6, 6]
    assert len(set(cases[rows])) == 18
    assert proof_rows(answers, cases, 18, seed=1).tolist() == rows.tolist()
    assert proof_rows(answers, cases, 18, seed=2).tolist() != rows.tolist()


def test_a_class_with_few_cases_gives_further_images_of_them() -> None:
    answers = np.repeat([0, 1], [8, 8])
    cases = np.array([*"abcdefgh", *"xxxxyyyy"])
    rows = proof_rows(answers, cases, 8, seed=1)
    assert np.bincount(answers[rows]).tolist() == [4, 4]
    assert set(cases[rows[answers[rows] == 1]]) == {"x", "y"}


def test_a_case_of_two_classes_is_left_to_the_rarer_one() -> None:
    """Case a was answered both ways: the rare class needs it, the common one has enough others."""
    answers, cases = np.array([0, 0, 0, 0, 1]), np.array(list("abcda"))
    for seed in range(20):
        rows = proof_rows(answers, cases, 4, seed)
        assert 4 in rows
        assert 0 not in rows


def test_all_rows_where_there_are_fewer_than_asked_for() -> None:
    assert proof_rows(np.array([1, 0, 1]), np.array(list("aab")), 60, seed=1).tolist() == [0, 1, 2]
