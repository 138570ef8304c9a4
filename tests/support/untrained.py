"""A checkpoint in the place of a trained one: its answers mean nothing, but differ by picture and by seed."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from osteolens.config import Config
from osteolens.models.checkpoint import Checkpoint
from osteolens.models.factory import create_model


def untrained(config: Config, *, seed: int = 3, metrics: Mapping[str, float] | None = None) -> Checkpoint:
    """Return the network of a configuration with its starting weights for three classes."""
    torch.manual_seed(seed)
    return Checkpoint.of(
        config,
        create_model(config.model, 3).state_dict(),
        epoch=1,
        metrics=dict(metrics or {}),
        class_weights=[1.0, 1.0, 1.0],
        provenance={},
    )
