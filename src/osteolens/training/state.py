"""The moving parts of a run, and what a checkpoint keeps of them so that a resumed run goes on unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from osteolens.training.stopping import EarlyStopping


@dataclass(slots=True)
class TrainingState:
    """Network, optimiser and schedule on their engine.

    Attributes
    ----------
    model, optimizer
        As the engine wrapped them; ``model.module`` is the network itself.
    average
        Moving average of the weights, or None where averaging is off.
    class_weights
        Weight of each class in the loss, float32 [classes].
    history
        Rows of the training log, one per finished epoch.
    """

    fabric: Fabric
    model: Any
    optimizer: Any
    scheduler: LRScheduler
    average: AveragedModel | None
    class_weights: torch.Tensor
    stopping: EarlyStopping
    history: list[dict[str, Any]]

    @property
    def answering_model(self) -> nn.Module:
        """The network whose answers count: the averaged one where averaging is on."""
        network: nn.Module = self.model.module if self.average is None else self.average.module
        return network

    def state_dict(self) -> dict[str, Any]:
        """Return plain values and tensors; all draws but torch's own depend on seed and epoch only."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {
            "model": self.model.module.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "stopping": self.stopping.state_dict(),
            "history": self.history,
            "random": {"torch": torch.get_rng_state(), "cuda": cuda},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`."""
        self.model.module.load_state_dict(saved["model"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self.stopping.load_state_dict(saved["stopping"])
        self.history = list(saved["history"])
        torch.set_rng_state(saved["random"]["torch"])
        if saved["random"]["cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(saved["random"]["cuda"])


def weight_average(model: nn.Module, decay: float) -> AveragedModel | None:
    """Return an exponential moving average of weights and batch statistics, or None for a decay of 0."""
    if decay == 0:
        return None
    averaging = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
