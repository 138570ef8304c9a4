"""One epoch of training and one of validation, on an engine that brings device and precision."""

from __future__ import annotations

import math
from typing import Any

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


def train_one_epoch(state: TrainingState, data: TrainingData, options: TrainingOptions, epoch: int) -> dict[str, float]:
    """Run through the training part once.

    The gradient of a step is that of torch's weighted mean over all images of its batches, however many there are.
    Guidance adds to the loss of an image, so it is weighted like it.

    Returns
    -------
    dict
        train_loss, the mean of the classification loss over the batches of all processes together; with guidance also
        train_guidance, the mean of its loss over the guided images, NaN if there was none.

    Raises
    ------
    TrainingError
        The loss is not finite, and the images of the batch are named; or the network is not, after the last step.
    """
    data.set_epoch(epoch)
    state.begin_epoch(epoch, options)
    sums: list[torch.Tensor] = []
    weights: list[torch.Tensor] = []  # of the batches of this step
    batches = len(data.loader)
    for number, batch in enumerate(track(data.loader, f"epoch {epoch + 1} of {options.epochs}"), start=1):
        images = batch["image"].to(state.fabric.device).contiguous(memory_format=torch.channels_last)
        is_step = number % options.accumulation == 0 or number == batches
        with state.fabric.no_backward_sync(state.model, enabled=not is_step):
            share = _loss_sums(state, images, batch, options, epoch)
            whole: torch.Tensor = state.fabric.all_reduce(share.detach().clone(), reduce_op="sum")  # type: ignore[assignment]
            _require_finite_loss(float(whole[0] / whole[1]), number - 1, data, options)
            sums.append(whole)
            weights.append(whole[1])
            # the engine takes the mean of the processes' gradients; a step divides by the weight of all its batches
            state.fabric.backward(share[0] * (state.fabric.world_size / weights[0]))
        if is_step:
            _step(state, options, weights, epoch)
            weights = []
    _require_finite(state, images, epoch)
    return _epoch_figures(sums)


def steps_per_epoch(data: TrainingData, options: TrainingOptions) -> int:
    """Return the number of optimiser steps in an epoch."""
    return math.ceil(len(data.loader) / options.accumulation)


def validate(
    model: nn.Module, part: LabelledPictures, record: Preprocessing, *, batch_size: int, flip_averaging: bool
) -> dict[str, float]:
    """Return val_loss (mean negative log-likelihood), val_accuracy, val_balanced_accuracy and val_macro_auc.

    Raises
    ------
    TrainingError
        A probability is not finite.
    """
    probabilities = class_probabilities(
        model,
        part.pictures,
        record,
        batch_size=batch_size,
        flip_averaging=flip_averaging,
        description="validating",
    )
    if broken := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise TrainingError(
            f"the network's answers to {broken} of {len(probabilities)} validation images are no longer finite. Lower "
            "training.learning_rate; the checkpoints of earlier epochs are kept."
        )
    figures = point_metrics(part.labels, probabilities)
    likelihood = probabilities[np.arange(len(part.labels)), part.labels]
    return {
        "val_loss": float(-np.log(np.maximum(likelihood, SMALLEST_PROBABILITY)).mean()),
        **{f"val_{name}": float(figures[name]) for name in ("accuracy", "balanced_accuracy", "macro_auc")},
    }


def _loss_sums(
    state: TrainingState, images: torch.Tensor, batch: Any, options: TrainingOptions, epoch: int
) -> torch.Tensor:
    """Return the sums that a batch's loss is made of, over this process's share of it.

    The weighted losses and the weights; with guidance also the weighted losses without it, its own losses and the
    number of guided images.
    """
    labels = batch["label"].to(state.fabric.device)
    if state.guidance is None:
        logits = state.model(images).float()
        return cross_entropy_sums(logits, labels, state.class_weights, options.label_smoothing)
    logits, evidence = state.model(images, labels)
    total, weight = cross_entropy_sums(logits.float(), labels, state.class_weights, options.label_smoothing)
    regions = batch["region"].to(state.fabric.device)
    losses = state.guidance.losses(evidence.float(), regions)
    added = state.guidance.weight(epoch) * (state.class_weights[labels] * losses).sum()
    guided = regions.amax(dim=(1, 2)).sum().float()
    return torch.stack([total + added, weight, total.detach(), losses.detach().sum(), guided])


def _epoch_figures(sums: list[torch.Tensor]) -> dict[str, float]:
    """Return what :func:`train_one_epoch` does, from the sums of every batch over all processes."""
    if len(sums[0]) == 2:
        return {"train_loss": float(np.mean([float(total / weight) for total, weight in sums]))}
    losses = [float(total / weight) for _, weight, total, _, _ in sums]
    guidance, guided = (sum(float(batch[place]) for batch in sums) for place in (3, 4))
    return {"train_loss": float(np.mean(losses)), "train_guidance": guidance / guided if guided else math.nan}


def _require_finite_loss(loss: float, batch: int, data: TrainingData, options: TrainingOptions) -> None:
    """Refuse the loss of a whole batch; it is finite in all processes or in none, so that all stop together."""
    if math.isfinite(loss):
        return
    precision = "" if options.precision == "32-true" else "set training.precision=32-true, "
    raise TrainingError(
        f"the loss became {loss}. Lower training.learning_rate, {precision}or look at the images of the batch: "
        f"{', '.join(data.names(batch))}."
    )


def _require_finite(state: TrainingState, images: torch.Tensor, epoch: int) -> None:
    """Raise :class:`TrainingError` if the last step of an epoch left a network that no checkpoint should keep."""
    model = state.answering_model.eval()
    with torch.no_grad():
        answers = model(images)
    if not all(value.isfinite().all() for value in (answers, *state.network.state_dict().values())):
        raise TrainingError(
            f"the network is no longer finite after epoch {epoch + 1}. Lower training.learning_rate; the checkpoints "
            "of earlier epochs are kept."
        )


def _step(state: TrainingState, options: TrainingOptions, weights: list[torch.Tensor], epoch: int) -> None:
    """Step down the gradients, which so far are divided by the weight of the first batch alone.

    In 16-mixed precision a gradient that is not finite is met by a smaller scale, and the step is left out.
    """
    if len(weights) > 1:
        share = weights[0] / torch.stack(weights).sum()
        for parameter in state.network.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(share)
    if options.gradient_clip > 0:
        largest = options.gradient_clip
        norm = state.fabric.clip_gradients(state.model, state.optimizer, max_norm=largest, error_if_nonfinite=False)
        if options.precision != "16-mixed" and norm is not None and not norm.isfinite():
            raise TrainingError(
                f"a gradient is no longer finite in epoch {epoch + 1}. Lower training.learning_rate; the checkpoints "
                "of earlier epochs are kept."
            )
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.scheduler.step()
    if state.average is not None:
        state.average.update_parameters(state.network)
