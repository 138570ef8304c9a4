"""One epoch of training and one of validation, on an engine that brings device and precision."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from osteolens.config import TrainingOptions
from osteolens.domain import Preprocessing
from osteolens.errors import TrainingError
from osteolens.evaluation.metrics import point_metrics
from osteolens.models.forward import class_probabilities
from osteolens.progress import track
from osteolens.training.data import LabelledPictures, TrainingData
from osteolens.training.losses import cross_entropy_sums
from osteolens.training.state import TrainingState

SMALLEST_PROBABILITY = 1e-12  # keeps the logarithm of a probability that was rounded to 0 finite


def train_one_epoch(state: TrainingState, data: TrainingData, options: TrainingOptions, epoch: int) -> float:
    """Run through the training part once and return the mean loss per batch of all processes together.

    Raises
    ------
    TrainingError
        The loss is not finite; the images of the batch are named.
    """
    data.set_epoch(epoch)
    state.begin_epoch(epoch, options)
    losses = []
    batches = len(data.loader)
    for number, batch in enumerate(track(data.loader, f"epoch {epoch + 1} of {options.epochs}"), start=1):
        images = batch["image"].to(state.fabric.device).contiguous(memory_format=torch.channels_last)
        labels = batch["label"].to(state.fabric.device)
        is_step = number % options.accumulation == 0 or number == batches
        with state.fabric.no_backward_sync(state.model, enabled=not is_step):
            logits = state.model(images).float()
            share = cross_entropy_sums(logits, labels, state.class_weights, options.label_smoothing)
            whole = state.fabric.all_reduce(share.detach().clone(), reduce_op="sum")
            losses.append(_finite(float(whole[0] / whole[1]), number - 1, data))
            # the engine takes the mean of the processes' gradients, which is to be that of the whole batch's mean loss
            scale = state.fabric.world_size / (whole[1] * options.accumulation)
            state.fabric.backward(share[0] * scale)
        if is_step:
            _step(state, options)
    return float(np.mean(losses))


def steps_per_epoch(data: TrainingData, options: TrainingOptions) -> int:
    """Return the number of optimiser steps in an epoch."""
    return math.ceil(len(data.loader) / options.accumulation)


def validate(
    model: nn.Module, part: LabelledPictures, record: Preprocessing, *, batch_size: int, flip_averaging: bool
) -> dict[str, float]:
    """Return val_loss (mean negative log-likelihood), val_accuracy, val_balanced_accuracy and val_macro_auc."""
    probabilities = class_probabilities(
        model,
        part.pictures,
        record,
        batch_size=batch_size,
        flip_averaging=flip_averaging,
        description="validating",
    )
    figures = point_metrics(part.labels, probabilities)
    likelihood = probabilities[np.arange(len(part.labels)), part.labels]
    return {
        "val_loss": float(-np.log(np.maximum(likelihood, SMALLEST_PROBABILITY)).mean()),
        **{f"val_{name}": float(figures[name]) for name in ("accuracy", "balanced_accuracy", "macro_auc")},
    }


def _finite(loss: float, batch: int, data: TrainingData) -> float:
    """Return the loss of the whole batch, which is finite in all processes or in none, so that all stop together."""
    if math.isfinite(loss):
        return loss
    raise TrainingError(
        f"the loss became {loss} on the batch {', '.join(data.names(batch))}. Lower training.learning_rate, "
        "set training.precision=32-true, or look at these images."
    )


def _step(state: TrainingState, options: TrainingOptions) -> None:
    if options.gradient_clip > 0:
        state.fabric.clip_gradients(state.model, state.optimizer, max_norm=options.gradient_clip)
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.scheduler.step()
    if state.average is not None:
        state.average.update_parameters(state.network)
