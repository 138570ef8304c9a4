"""Made-up tables of two classes whose true figures are known, for interval_coverage.py: binormal scores, cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

LARGEST_CASE = 4  # images


@dataclass(frozen=True, slots=True)
class Scenario:
    """One design: numbers of cases, and how far and how alike their scores are.

    Attributes
    ----------
    cases
        Of the first and of the second class. `mixed` ones have images of both instead.
    shift
        Distance of the means in standard deviations.
    correlation
        Share of the variance that the images of one case have in common.
    """

    name: str
    cases: tuple[int, int]
    shift: float
    correlation: float | None = None  # None: one image per case
    mixed: int = 0

    def draw(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
        """Return [N] labels and [N] case ids."""
        total = sum(self.cases) + self.mixed
        sizes = np.ones(total, int)
        if self.correlation is not None:
            sizes = generator.integers(1, LARGEST_CASE + 1, total)
        case = np.repeat(np.arange(total), sizes)
        labels = np.repeat([0, 1], self.cases)[np.minimum(case, sum(self.cases) - 1)]
        in_mixed = case >= sum(self.cases)
        labels[in_mixed] = generator.integers(0, 2, in_mixed.sum())
        return labels, np.char.add("case", case.astype(str))

    def scores(
        self, labels: NDArray[np.int64], cases: NDArray[np.str_], generator: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return [N] scores; 0 is the point between the two means."""
        common = np.sqrt(self.correlation or 0.0)
        number, case = np.unique(cases, return_inverse=True)
        shared = generator.standard_normal(number.size)[case]
        own = generator.standard_normal(labels.size)
        return self.shift * (labels - 0.5) + common * shared + np.sqrt(1 - common**2) * own

    def truth(self, labels: NDArray[np.int64]) -> dict[str, float]:
        """Return the true figures of the second class for images in these proportions."""
        positives, negatives = np.count_nonzero(labels == 1), np.count_nonzero(labels == 0)
        rate = float(ndtr(self.shift / 2))  # sensitivity and specificity alike
        hits, passed = rate * positives, rate * negatives
        alarms, missed = negatives - passed, positives - hits
        called = (hits + alarms) * (passed + missed)
        return {
            "accuracy": rate,
            "balanced_accuracy": rate,
            "mcc": (hits * passed - alarms * missed) / np.sqrt(called * positives * negatives),
            "sensitivity": rate,
            "specificity": rate,
            "precision": hits / (hits + alarms),
            "f1": 2 * hits / (2 * hits + alarms + missed),
            "auc": float(ndtr(self.shift / np.sqrt(2))),
        }


def shift_of(auc: float) -> float:
    """Return the distance of the means that gives this area."""
    return float(ndtri(auc) * np.sqrt(2))


SCENARIOS = (
    Scenario("150 + 150 single images, AUC 0.80", (150, 150), shift_of(0.80)),
    Scenario("100 + 30 single images, AUC 0.90", (100, 30), shift_of(0.90)),
    Scenario("60 + 15 single images, AUC 0.97", (60, 15), shift_of(0.97)),
    Scenario("60 + 40 cases of 1-4, correlation 0.5, AUC 0.80", (60, 40), shift_of(0.80), 0.5),
    Scenario("40 + 30 cases of 1-4, correlation 0.9, AUC 0.90", (40, 30), shift_of(0.90), 0.9),
    Scenario("40 + 15 cases of 1-4, correlation 0.5, AUC 0.95", (40, 15), shift_of(0.95), 0.5),
    Scenario(
        "25 + 25 cases and 25 of both classes, of 1-4, correlation 0.5, AUC 0.80", (25, 25), shift_of(0.80), 0.5, 25
    ),
)
PAIRED = Scenario("40 + 30 cases of 1-4, correlation 0.5, AUC 0.80", (40, 30), shift_of(0.80), 0.5)
SECOND_AUCS = (0.80, 0.90)
