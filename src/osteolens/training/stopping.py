"""Which epoch is the best: early stopping, a small object whose state is saved with the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from osteolens.errors import TrainingError

SMALLEST_IMPROVEMENT = 1e-6  # below it figures differ by rounding, and a network at rest would go on for ever


class EarlyStopping:
    """Tell when a validation figure has not improved by more than 1e-6 for a number of epochs.

    Parameters
    ----------
    patience
        Epochs without improvement before :attr:`should_stop`.
    mode
        ``min`` for a loss, ``max`` for an accuracy or an AUC.
    """

    def __init__(self, patience: int, mode: Literal["min", "max"]) -> None:
        self.patience = patience
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.best_epoch = -1
        self.waited = 0

    def update(self, value: float, epoch: int) -> bool:
        """Take note of an epoch's figure and return whether it is the best so far; NaN never is."""
        gain = self.best - value if self.mode == "min" else value - self.best
        improved = gain > SMALLEST_IMPROVEMENT
        if improved:
            self.best, self.best_epoch, self.waited = value, epoch, 0
        else:
            self.waited += 1
        return improved

    @property
    def should_stop(self) -> bool:
        """Whether patience is used up."""
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, float]:
        """Return what a resumed run needs."""
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from :meth:`state_dict`."""
        self.best = float(state["best"])
        self.best_epoch, self.waited = int(state["best_epoch"]), int(state["waited"])


def require_monitor(monitor: str, labels: Iterable[str], class_names: Sequence[str]) -> None:
    """Raise :class:`TrainingError` where the figure that chooses the epoch is undefined on a val part of `labels`."""
    present = set(labels)
    absent = [name for name in class_names if name not in present]
    if monitor == "val_macro_auc" and absent:
        raise TrainingError(
            f"the val part has no image of {', '.join(absent)}, so val_macro_auc is undefined. Set "
            "training.monitor=val_loss, or change the split."
        )
