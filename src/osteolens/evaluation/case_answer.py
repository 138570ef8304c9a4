"""One answer for a case of which there are several views, and how far the views disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr, softmax

from osteolens.errors import EvaluationError
from osteolens.evaluation.calibration import logits_of
from osteolens.evaluation.metrics import Floats
from osteolens.evaluation.predictions import SUM_TOLERANCE

RULE = "mean of log-probabilities"


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """What is said of a case.

    Attributes
    ----------
    probabilities
        Class name to probability, see :func:`pooled_probabilities`.
    view_classes
        The most probable class of each view, in the order of the views; of equals the first.
    divergence
        Jensen-Shannon divergence of the two views that are least alike, 0 to 1 bit, see
        :func:`divergences`; None of a single view.
    least_alike
        Positions of these two views, counted from 0; of equals the first. None of a single view.
    """

    probabilities: dict[str, float]
    view_classes: tuple[str, ...]
    divergence: float | None
    least_alike: tuple[int, int] | None

    @property
    def label(self) -> str:
        """The most probable class; of equals the first. It need not be the one that most views name."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def votes(self) -> dict[str, int]:
        """Class name to the number of views that name it; classes that none names are left out."""
        return {name: self.view_classes.count(name) for name in self.probabilities if name in self.view_classes}

    @property
    def agrees(self) -> bool:
        """Whether all views name the same class."""
        return len(set(self.view_classes)) == 1

    @property
    def disagreement(self) -> str:
        """The same in a sentence for a reader."""
        views = len(self.view_classes)
        if self.divergence is None or self.least_alike is None:
            return "There is one view, so nothing could disagree with it."
        told = ", ".join(f"{name} in {number}" for name, number in self.votes.items())
        named = f"All {views} views name {self.label}" if self.agrees else f"Of {views} views the classes are {told}"
        first, second = (place + 1 for place in self.least_alike)
        return (
            f"{named}; views {first} and {second} are least alike, {self.divergence:.2f} apart where 0 is the same "
            "probabilities and 1 is each sure of another class."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "rule": RULE,
            "label": self.label,
            "probabilities": dict(self.probabilities),
            "views": len(self.view_classes),
            "view_classes": list(self.view_classes),
            "agrees": self.agrees,
            "divergence_bits": self.divergence,
            "least_alike": None if self.least_alike is None else list(self.least_alike),
            "disagreement": self.disagreement,
        }


def answer_case(probabilities: Floats, class_names: Sequence[str]) -> CaseAnswer:
    """Return the answer for one case.

    The thresholds and prediction sets of a run were chosen for single images; what they promise is not promised of
    these probabilities.

    Parameters
    ----------
    probabilities
        [V, K] of the views of the case, calibrated where a temperature is known. Calibrating afterwards gives the same:
        the mean of logarithms divided by T is their mean divided by T.
    class_names
        [K] different names.

    Raises
    ------
    EvaluationError
        There is no view, a row is not K numbers of 0 to 1 that sum to 1 within 0.001, or a name stands there twice.
    """
    views = np.asarray(probabilities, dtype=np.float64)
    _check(views, class_names)
    pooled = pooled_probabilities(views)
    divergence, least_alike = None, None
    if len(views) > 1:
        apart = divergences(views)
        first, second = np.unravel_index(int(apart.argmax()), apart.shape)
        # all views alike: the first two stand for any
        least_alike = (int(first), int(second)) if first != second else (0, 1)
        divergence = float(apart[least_alike])
    return CaseAnswer(
        probabilities=dict(zip(class_names, pooled.tolist(), strict=True)),
        view_classes=tuple(class_names[k] for k in views.argmax(axis=1)),
        divergence=divergence,
        least_alike=least_alike,
    )


def pooled_probabilities(views: Floats) -> Floats:
    """Return [K] the geometric mean of [V, K] probabilities, brought back to a sum of 1.

    ``p_k = exp(mean_v log p_vk) / sum_j exp(mean_v log p_vj)``, the logarithmic opinion pool with equal weights (Genest
    & Zidek, Combining Probability Distributions, Statistical Science 1986). The logarithms are averaged and not summed,
    since views of one patient are not independent: views that agree do not make the answer surer than they are. A view
    that is sure of a class weighs more than one that is not, and one that all but rules a class out can outvote many; 0
    counts as 2.2e-16 (:func:`~osteolens.evaluation.calibration.logits_of`), so that none rules it out for good.
    """
    # sorted, and as what each has above the least: rounding then parts no cases whose views say the same
    logits = np.sort(logits_of(views), axis=0)
    pooled: Floats = softmax(logits[0] + (logits - logits[0]).mean(axis=0))
    return pooled


def divergences(views: Floats) -> Floats:
    """Return [V, V] Jensen-Shannon divergence of each two of [V, K] probabilities, in bits.

    ``JS(p, q) = H((p + q) / 2) - (H(p) + H(q)) / 2`` with Shannon's entropy H (Lin, Divergence Measures Based on the
    Shannon Entropy, IEEE Transactions on Information Theory 1991). 0 where both are equal, 1 where they share no class.
    """
    entropies = _bits(views)
    middle = _bits((views[:, None] + views[None]) / 2)
    apart = np.clip(middle - (entropies[:, None] + entropies[None]) / 2, 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)  # rounding alone
    return apart


def _bits(probabilities: Floats) -> Floats:
    bits: Floats = entr(probabilities).sum(axis=-1) / np.log(2)
    return bits


def _check(views: Floats, class_names: Sequence[str]) -> None:
    if len(set(class_names)) != len(class_names):
        raise EvaluationError(f"the classes of a case must have different names, not {', '.join(class_names)}.")
    if views.ndim != 2 or not len(views) or views.shape[1] != len(class_names):
        raise EvaluationError(
            f"a case needs one row of {len(class_names)} probabilities for each of its views, not an array of shape "
            f"{views.shape}."
        )
    possible = ((views >= 0) & (views <= 1)).all(axis=1)  # false for NaN too
    wrong = np.flatnonzero(~possible | ~(np.abs(views.sum(axis=1) - 1) <= SUM_TOLERANCE))
    if wrong.size:
        raise EvaluationError(
            f"the probabilities of view {wrong[0] + 1} are no shares that sum to 1: {views[wrong[0]].tolist()}. Give "
            "the model's probabilities, not its logits."
        )
