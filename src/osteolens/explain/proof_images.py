"""Which images of a part the maps are tried on: as many of each answered class, by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteolens.randomness import named_generator

Rows = NDArray[np.int64]


def proof_rows(answers: Rows, cases: NDArray[np.str_], total: int, seed: int) -> Rows:
    """Draw rows in equal numbers by answered class, at most one of a case as long as a class has enough cases.

    A class with fewer images than its share gives the rest of it to the others. The rarest class is drawn first, so
    that cases which several classes could use are left to it.

    Parameters
    ----------
    answers, cases
        [N] index of the answered class, and case id.
    total
        How many rows; all are returned where there are fewer.

    Returns
    -------
    ndarray
        Rows in ascending order.
    """
    available = np.bincount(answers)
    numbers = even_numbers(available, total)
    chosen: list[Rows] = []
    used: set[str] = set()
    for index in np.argsort(available, kind="stable"):
        rows = named_generator(seed, "proof", int(index)).permutation(np.flatnonzero(answers == index))
        rows = _new_cases_first(rows, cases, used)[: numbers[index]]
        used.update(cases[rows].tolist())
        chosen.append(rows)
    return np.sort(np.concatenate(chosen))


def even_numbers(available: Rows, total: int) -> Rows:
    """Return how many each of K classes with so many images gives, as even as they allow; earlier classes the odd."""
    numbers = np.zeros_like(available)
    for _ in range(min(total, int(available.sum()))):
        open_classes = np.flatnonzero(numbers < available)
        numbers[open_classes[numbers[open_classes].argmin()]] += 1
    return numbers


def _new_cases_first(rows: Rows, cases: NDArray[np.str_], used: set[str]) -> Rows:
    """Return the rows with the first one of each case that is not used yet in front."""
    first = np.zeros(len(rows), bool)
    first[np.unique(cases[rows], return_index=True)[1]] = True
    first &= np.array([case not in used for case in cases[rows]], bool)
    return np.concatenate([rows[first], rows[~first]])
