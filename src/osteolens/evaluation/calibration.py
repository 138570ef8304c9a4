"""Temperature and vector scaling of probabilities (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).

The logits are the logarithms of the probabilities. For temperature scaling this changes nothing, since a softmax does
not see what is added to all its inputs; vector scaling acts on these logits and on no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from osteolens.errors import EvaluationError
from osteolens.evaluation.metrics import Floats, Integers

PROBABILITY_FLOOR = float(np.finfo(np.float64).eps)  # stands for 0, as in scikit-learn's log_loss
STEEPEST = 10.0  # weights lie in 1/10 to 10 and biases in -10 to 10: without limits, separated classes have no optimum
SEPARATED = 1e-6  # NLL below which the classes are separated, and steeper would always be better


def logits_of(probabilities: Floats) -> Floats:
    """Return the logarithm of probabilities, 0 counted as 2.2e-16."""
    return np.log(np.maximum(probabilities, PROBABILITY_FLOOR))


@dataclass(frozen=True, slots=True)
class Scaling:
    """Calibrated probabilities are ``softmax(weights * log(probabilities) + biases)``.

    Attributes
    ----------
    method
        ``temperature``: all weights are 1 / T and all biases 0. ``vector``: one of each per class.
    weights, biases
        [K] in the order of the classes; weights above 0, so that the order within a class's logits stays.
    images
        Number of images it was fitted on.
    reason
        Set when the validation part does not tell how sure the model should be.
    """

    method: Literal["temperature", "vector"]
    weights: tuple[float, ...]
    biases: tuple[float, ...]
    images: int
    reason: str | None = None

    def __post_init__(self) -> None:
        values = (*self.weights, *self.biases)
        if len(self.weights) != len(self.biases) or not np.isfinite(values).all() or min(self.weights) <= 0:
            raise EvaluationError(
                f"a {self.method} scaling needs one weight above 0 and one finite bias per class, not weights "
                f"{self.weights} and biases {self.biases}. Fit it again on the validation part."
            )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Scaling:
        """Return the scaling whose :meth:`to_json` is `record`."""
        return cls(
            record["method"], tuple(record["weights"]), tuple(record["biases"]), record["images"], record["reason"]
        )

    def to_json(self) -> dict[str, Any]:
        """Return a record for JSON; ``temperature`` is None for vector scaling."""
        return {
            "method": self.method,
            "temperature": self.temperature,
            "weights": list(self.weights),
            "biases": list(self.biases),
            "images": self.images,
            "reason": self.reason,
        }

    @property
    def temperature(self) -> float | None:
        """T of temperature scaling: above 1 the probabilities were too sure."""
        return 1 / self.weights[0] if self.method == "temperature" else None

    def apply(self, probabilities: Floats) -> Floats:
        """Return calibrated probabilities, [N, K] as `probabilities`."""
        if probabilities.shape[1] != len(self.weights):
            raise EvaluationError(
                f"the scaling is for {len(self.weights)} classes, the probabilities are of {probabilities.shape[1]}. "
                "Use the one fitted for this model."
            )
        scaled: Floats = softmax(logits_of(probabilities) * self.weights + np.array(self.biases), axis=1)
        return scaled


def fit_temperature(labels: Integers, probabilities: Floats) -> Scaling:
    """Return the temperature of the least negative log-likelihood.

    Parameters
    ----------
    labels, probabilities
        [N] class indices and [N, K] probabilities of the validation part.

    Raises
    ------
    EvaluationError
        The images are all of one class.
    """
    _require_classes(np.unique(labels), 2, "temperature")
    classes = probabilities.shape[1]
    inverse, limited = _fit(labels, logits_of(probabilities)[:, :, None], np.ones(1))
    weights = tuple(np.repeat(inverse, classes).tolist())
    return Scaling("temperature", weights, (0.0,) * classes, len(labels), limited)


def fit_vector(labels: Integers, probabilities: Floats) -> Scaling:
    """Return the weight and bias per class of the least negative log-likelihood; the biases sum to 0.

    Parameters
    ----------
    labels, probabilities
        As for :func:`fit_temperature`.

    Raises
    ------
    EvaluationError
        A class has no image: its bias would have no lower end.
    """
    classes = probabilities.shape[1]
    _require_classes(np.unique(labels), classes, "vector")
    inputs = np.zeros((len(labels), classes, 2 * classes))
    each = np.arange(classes)
    inputs[:, each, each] = logits_of(probabilities)
    inputs[:, each, classes + each] = 1.0
    found, limited = _fit(labels, inputs, np.repeat([1.0, 0.0], classes))
    weights, biases = found[:classes], found[classes:] - found[classes:].mean()
    return Scaling("vector", tuple(weights.tolist()), tuple(biases.tolist()), len(labels), limited)


def _require_classes(present: Integers, needed: int, method: str) -> None:
    if present.size < needed:
        raise EvaluationError(
            f"{method} scaling needs images of {needed} classes in the validation part; there are {present.size}. "
            "Use a split whose validation part holds all classes."
        )


def _fit(labels: Integers, inputs: Floats, start: Floats) -> tuple[Floats, str | None]:
    """Minimise the mean negative log-likelihood of ``softmax(inputs @ parameters)``, which is convex.

    Parameters
    ----------
    inputs
        [N, K, P].
    start
        [P] 1 for a weight, 0 for a bias: where the probabilities stay as they are.

    Returns
    -------
    tuple
        [P] parameters, and a sentence when there was no optimum within the limits.
    """
    rows = np.arange(len(labels))
    of_truth = inputs[rows, labels].mean(axis=0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        log_shares = log_softmax(inputs @ parameters, axis=1)
        slope = np.einsum("nk,nkp->p", np.exp(log_shares), inputs) / len(labels) - of_truth
        return -float(log_shares[rows, labels].mean()), slope

    limits = [(1 / STEEPEST, STEEPEST) if value else (-STEEPEST, STEEPEST) for value in start]
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    at_limit = np.isclose(found.x[:, None], np.array(limits), rtol=1e-6).any()
    if at_limit or found.fun < SEPARATED:
        return found.x, "stopped at a limit: the validation part does not tell how sure the model should be"
    return found.x, None
