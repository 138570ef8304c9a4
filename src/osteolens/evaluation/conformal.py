"""Class-conditional (Mondrian) split conformal sets (Vovk et al. 2005; Sadinle, Lei & Wasserman 2019).

A class is in the set of an image when its probability reaches that class's cutoff. The cutoff is chosen on calibration
images of the class such that, for a new case of the class, one image drawn from it has its class in the set with
probability `level` at least, whatever the model; calibration and new cases must come from the same population.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.errors import EvaluationError
from osteolens.evaluation.entries import case_mean_entry, share_entry
from osteolens.evaluation.metrics import Floats, Integers

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Which classes cannot be left out.

    Attributes
    ----------
    level
        Coverage promised for each class, 0 to 1, both excluded.
    cutoffs
        [K] smallest probability with which a class is in the set; 0, which keeps the class in every set, where the
        calibration cases are too few for the level.
    cases
        [K] number of calibration cases of each class, of each of which one image counts.
    reasons
        [K] why the cutoff is 0, else None.
    """

    level: float
    cutoffs: tuple[float, ...]
    cases: tuple[int, ...]
    reasons: tuple[str | None, ...]

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> ConformalSets:
        """Return the sets whose :meth:`to_json` is `record`."""
        return cls(record["level"], tuple(record["cutoffs"]), tuple(record["cases"]), tuple(record["reasons"]))

    def to_json(self) -> dict[str, Any]:
        """Return a record for JSON."""
        lists = {"cutoffs": self.cutoffs, "cases": self.cases, "reasons": self.reasons}
        return {"level": self.level} | {name: list(values) for name, values in lists.items()}

    def apply(self, probabilities: Floats) -> Flags:
        """Return [N, K] whether each class is in the set of each image; a set can be empty."""
        inside: Flags = probabilities >= np.array(self.cutoffs)
        return inside


def one_image_per_case(cases: NDArray[np.str_], scores: Floats, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return [C] the index of one image of each case, drawn evenly.

    The draw follows the sorted case ids and, within a case, the falling scores, not the order of the rows.
    """
    order = np.lexsort((-scores, cases))
    _, first, sizes = np.unique(cases[order], return_index=True, return_counts=True)
    chosen: NDArray[np.intp] = order[first + np.floor(generator.random(sizes.size) * sizes).astype(np.intp)]
    return chosen


def calibrate_sets(
    labels: Integers,
    probabilities: Floats,
    cases: NDArray[np.str_],
    *,
    class_names: Sequence[str],
    level: float,
    generator: np.random.Generator,
) -> ConformalSets:
    """Choose the cutoff of each class on the validation part.

    Of n calibration cases of a class the cutoff is the probability ranked ``ceil((n + 1) * level)``-th from above,
    which needs ``n >= level / (1 - level)``.

    Parameters
    ----------
    labels, probabilities, cases
        [N], [N, K] and [N] of the validation part. A case with images of two classes counts in both.
    """
    if not 0 < level < 1:
        raise EvaluationError(f"the level of conformal sets must lie between 0 and 1, not at {level}. Try 0.9.")
    cutoffs, numbers, reasons = [], [], []
    for k, name in enumerate(class_names):
        own = labels == k
        scores = probabilities[own, k]
        scores = np.sort(scores[one_image_per_case(cases[own], scores, generator)])[::-1]
        rank = math.ceil((len(scores) + 1) * level - 1e-9)
        enough = rank <= len(scores)
        cutoffs.append(float(scores[rank - 1]) if enough else 0.0)
        numbers.append(len(scores))
        needed = math.ceil(level / (1 - level) - 1e-9)
        short = f"{len(scores)} calibration cases of {name}, {needed} are needed: it is in every set"
        reasons.append(None if enough else short)
    return ConformalSets(level, tuple(cutoffs), tuple(numbers), tuple(reasons))


def set_figures(
    sets: Flags, labels: Integers, cases: NDArray[np.str_], *, class_names: Sequence[str], confidence: float
) -> dict[str, Any]:
    """Say what conformal sets do on one part.

    Parameters
    ----------
    sets
        [N, K] of :meth:`ConformalSets.apply`.

    Returns
    -------
    dict
        ``coverage`` over all images and, ``per_class``, ``coverage`` over its images, ``coverage_of_cases`` (each case
        counted once: what the level promises; Wilson's limits on their number) and ``mean_size``; ``mean_size`` and
        ``sizes``, the share of sets with 0 to K classes.
    """
    covered, sizes = sets[np.arange(len(labels)), labels], sets.sum(axis=1)
    per_class = {}
    for k, name in enumerate(class_names):
        own = labels == k
        per_class[name] = {
            "coverage": share_entry(covered[own], cases[own], confidence),
            "coverage_of_cases": case_mean_entry(covered[own], cases[own], confidence),
            "mean_size": float(sizes[own].mean()) if own.any() else None,
        }
    shares = np.bincount(sizes, minlength=len(class_names) + 1) / len(labels)
    return {
        "coverage": share_entry(covered, cases, confidence),
        "per_class": per_class,
        "mean_size": float(sizes.mean()),
        "sizes": {str(size): float(share) for size, share in enumerate(shares)},
    }
