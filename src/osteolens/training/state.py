"""The moving parts of a run, and what a checkpoint keeps of them so that a resumed run goes on unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from osteolens.config import TrainingOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.training.guidance import Guidance, GuidedClassifier
from osteolens.training.layers import freeze, train_mode
from osteolens.training.stopping import EarlyStopping


@dataclass(slots=True)
class TrainingState:
    """Network, optimiser and schedule on their engine.

    Attributes
    ----------
    network
        The network itself; its weights are the same in every process.
    optimizer
        As the engine wrapped it.
    average
        Moving average of the weights, or None where averaging is off.
    class_weights
        Weight of each class in the loss, float32 [classes].
    history
        Rows of the training log, one per finished epoch.
    guidance
        The loss on its maps, or None where attention is not guided.
    model
        `network` as the engine wrapped it for the steps of this epoch; None before the first. With guidance it takes
        labels as well and returns the evidence beside the logits.
    """

    fabric: Fabric
    network: BTXRDClassifier
    optimizer: Any
    scheduler: LRScheduler
    average: AveragedModel | None
    class_weights: torch.Tensor
    stopping: EarlyStopping
    history: list[dict[str, Any]]
    guidance: Guidance | None = None
    model: Any = None

    @property
    def answering_model(self) -> nn.Module:
        """The network whose answers count: the averaged one where averaging is on."""
        return self.network if self.average is None else self.average.module

    def begin_epoch(self, epoch: int, options: TrainingOptions) -> None:
        """Freeze what is frozen in this epoch and put the rest into training mode."""
        holds = options.freeze_epochs is None or epoch < options.freeze_epochs
        changed = freeze(self.network, options.freeze if holds else 0.0)
        if changed or self.model is None:  # an engine of several devices counts on the gradients it was set up with
            network: nn.Module = self.network if self.guidance is None else GuidedClassifier(self.network)
            compiled: Any = torch.compile(network) if options.compile else network
            self.model = self.fabric.setup_module(compiled)
        train_mode(self.model)

    def state_dict(self) -> dict[str, Any]:
        """Return plain values and tensors; to be called in every process, since each has its random state.

        All draws but torch's own depend on seed and epoch only.
        """
        return {
            "model": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.fabric.strategy.precision.state_dict(),
            "stopping": self.stopping.state_dict(),
            "history": self.history,
            "random": {kind: self._of_all(state) for kind, state in self._random_state().items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`."""
        self.network.load_state_dict(saved["model"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self.fabric.strategy.precision.load_state_dict(saved["scaler"])
        self.stopping.load_state_dict(saved["stopping"])
        self.history = list(saved["history"])
        rank = self.fabric.global_rank
        own = {kind: states[rank].clone() for kind, states in saved["random"].items() if rank < len(states)}
        if "torch" in own:  # a process more than the run had before begins with draws of its own
            torch.set_rng_state(own["torch"])  # it reads from the start of the storage, hence the clone
        if "cuda" in own and self.fabric.device.type == "cuda":
            torch.cuda.set_rng_state(own["cuda"], self.fabric.device)

    def _random_state(self) -> dict[str, torch.Tensor]:
        states = {"torch": torch.get_rng_state()}
        if self.fabric.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        return states

    def _of_all(self, state: torch.Tensor) -> torch.Tensor:
        """Return the same kind of state of every process, uint8 [processes, bytes]."""
        states = torch.zeros(self.fabric.world_size, len(state), dtype=state.dtype, device=self.fabric.device)
        states[self.fabric.global_rank] = state
        gathered: torch.Tensor = self.fabric.all_reduce(states, reduce_op="sum")  # type: ignore[assignment]
        return gathered.cpu()
