"""Prior shift: class shares that differ between two populations, estimated without labels.

The EM algorithm of Saerens, Latinne & Decaestecker (Neural Computation 2002). It holds where only the shares of the
classes differ and each class looks the same in both populations; another hospital may break that. The probabilities
must be calibrated on the source, biases included (Alexandari, Kundaje & Shrikumar, ICML 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteolens.errors import EvaluationError
from osteolens.evaluation.metrics import Floats

STEPS = 10_000
STILL = 1e-9  # largest change of a share in the last step


@dataclass(frozen=True, slots=True)
class PriorShift:
    """Class shares of a source and of a target.

    Attributes
    ----------
    source, target
        [K] shares, each summing to 1; those of the source above 0.
    steps
        Steps of EM that were needed.
    reason
        Set when the shares were still moving after the last step.
    """

    source: tuple[float, ...]
    target: tuple[float, ...]
    steps: int
    reason: str | None = None

    def apply(self, probabilities: Floats) -> Floats:
        """Return [N, K] probabilities as they are with the shares of the target.

        An image that only classes with a target share of 0 could explain keeps its probabilities.
        """
        odds = probabilities * (np.array(self.target) / np.array(self.source))
        sums = odds.sum(axis=1, keepdims=True)
        return np.divide(odds, sums, out=probabilities.copy(), where=sums > 0)


def estimate_prior_shift(probabilities: Floats, source: Floats) -> PriorShift:
    """Return the class shares of the target under which its probabilities are most likely.

    Parameters
    ----------
    probabilities
        [N, K] of the target's images, as a model of the source gives them.
    source
        [K] class shares of the source, above 0 and summing to 1.

    Raises
    ------
    EvaluationError
        The shares of the source are not such numbers.
    """
    if source.shape != (probabilities.shape[1],) or source.min() <= 0 or abs(source.sum() - 1) > 1e-6:
        raise EvaluationError(
            f"prior-shift correction needs a source share above 0 for each of {probabilities.shape[1]} classes, "
            f"summing to 1, not {source.tolist()}. Take them from a part that holds all classes."
        )
    target = source
    for step in range(1, STEPS + 1):
        before = target
        odds = probabilities * (before / source)
        target = np.mean(odds / odds.sum(axis=1, keepdims=True), axis=0)
        if np.abs(target - before).max() < STILL:
            return PriorShift(tuple(source.tolist()), tuple(target.tolist()), step)
    reason = f"the shares were still moving after {STEPS} steps"
    return PriorShift(tuple(source.tolist()), tuple(target.tolist()), STEPS, reason)
