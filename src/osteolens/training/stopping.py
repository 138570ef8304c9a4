"""Early stopping as a small object whose state is saved with the run."""

from __future__ import annotations

import math
from typing import Literal


class EarlyStopping:
    """Tell when a validation figure has not improved for a number of epochs.

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
        improved = value < self.best if self.mode == "min" else value > self.best
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
