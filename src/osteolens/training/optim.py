"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from osteolens.config import TrainingOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.training.layers import classifier_names, layer_numbers

ONE_CYCLE_RISE = 0.25  # share of all steps in which the rate rises


def create_optimizer(model: BTXRDClassifier, options: TrainingOptions) -> torch.optim.Optimizer:
    """Return AdamW with a group for each pair of learning rate and weight decay.

    A layer k below the last one learns at ``layer_decay ** k`` times the rate (the rule of BEiT,
    https://arxiv.org/abs/2106.08254), the classifier at the rate itself or at ``head_learning_rate``.
    Biases and norm parameters (those with one dimension) and what the network itself exempts, such as position
    embeddings, are not decayed.
    """
    numbers, head = layer_numbers(model), classifier_names(model)
    last = max(numbers.values())
    head_rate = options.head_learning_rate or options.learning_rate
    exempt: set[str] = getattr(model.network, "no_weight_decay", set)()
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.network.named_parameters():
        rate = head_rate if name in head else options.learning_rate * options.layer_decay ** (last - numbers[name])
        decay = options.weight_decay if parameter.ndim > 1 and name not in exempt else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()]
    )


def create_scheduler(optimizer: torch.optim.Optimizer, options: TrainingOptions, steps_per_epoch: int) -> LRScheduler:
    """Return a schedule of every group's rate, advanced after each optimiser step, over all of the planned epochs.

    The warm-up takes half of the epochs at most, so that short runs reach the full rate and come down again.
    """
    total = options.epochs * steps_per_epoch
    if options.scheduler == "onecycle":
        highest = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, highest, total_steps=total + 1, pct_start=ONE_CYCLE_RISE)
    warmup = int(min(options.warmup_epochs, options.epochs / 2) * steps_per_epoch)
    return LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup, total))


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Return the factor on the learning rate: a straight line up to 1 over `warmup` steps, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
