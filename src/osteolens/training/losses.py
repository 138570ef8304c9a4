"""The loss and the weights of the classes in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from osteolens.errors import TrainingError

Weighting = Literal["none", "balanced", "sqrt_balanced"]


def compute_class_weights(
    labels: Sequence[int], class_names: Sequence[str], weighting: Weighting = "balanced"
) -> NDArray[np.float64]:
    """Return the weight of each class in the loss, shape [classes].

    ``balanced`` is n / (classes x n_class), as scikit-learn's ``compute_class_weight``; ``sqrt_balanced`` is its square
    root, a milder choice when one class is rare; ``none`` is 1 for every class.

    Raises
    ------
    TrainingError
        A class has no training image.
    """
    counts = np.bincount(np.asarray(labels, dtype=int), minlength=len(class_names))
    if absent := [name for name, count in zip(class_names, counts, strict=True) if count == 0]:
        raise TrainingError(f"the train part has no image of {', '.join(absent)}. Check the split and class_names.")
    if weighting == "none":
        return np.ones(len(class_names))
    balanced: NDArray[np.float64] = counts.sum() / (len(class_names) * counts)
    return balanced if weighting == "balanced" else np.sqrt(balanced)


def cross_entropy_sums(logits: Tensor, labels: Tensor, class_weights: Tensor, label_smoothing: float) -> Tensor:
    """Return numerator and denominator of torch's weighted cross-entropy, shape [2].

    torch's mean over a batch is their quotient. Apart they can be summed over the shares of a batch; the mean of the
    shares' means would be another figure, since the classes weigh differently in each share.
    """
    total = functional.cross_entropy(
        logits, labels, weight=class_weights, label_smoothing=label_smoothing, reduction="sum"
    )
    return torch.stack([total, class_weights[labels].sum()])
