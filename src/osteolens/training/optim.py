"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from osteolens.config import TrainingOptions

ONE_CYCLE_RISE = 0.25  # share of all steps in which the rate rises


def create_optimizer(model: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """Return AdamW; biases and norm parameters (those with one dimension) are not decayed."""
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    free = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate)


def create_scheduler(optimizer: torch.optim.Optimizer, options: TrainingOptions, steps_per_epoch: int) -> LRScheduler:
    """Return a schedule that is advanced after every optimiser step, over all of the planned epochs."""
    total = options.epochs * steps_per_epoch
    if options.scheduler == "onecycle":
        return OneCycleLR(optimizer, options.learning_rate, total_steps=total + 1, pct_start=ONE_CYCLE_RISE)
    warmup = int(options.warmup_epochs * steps_per_epoch)
    return LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup, total))


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Return the factor on the learning rate: a straight line up to 1 over `warmup` steps, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
