"""Checkpoints: everything needed to answer or to go on, in plain values and tensors, loaded in safe mode only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from osteolens.config import Config
from osteolens.domain import Preprocessing
from osteolens.errors import CheckpointError, ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.tensor_files import load_safely
from osteolens.storage import atomic_writer

FORMAT = "osteolens-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network with its whole context.

    Attributes
    ----------
    model_state
        Tensors of the network that answers (the averaged one where averaging is on).
    config
        The resolved configuration, plain values.
    class_names
        In the order of the logits.
    preprocessing
        How a picture becomes an input, plain values.
    epoch
        Number of finished epochs.
    metrics
        Validation figures of that epoch.
    class_weights
        Weight of each class in the loss.
    provenance
        Versions, commit, hash of the data.
    training_state
        Optimiser, scheduler, early stopping, random state: only in a ``last`` checkpoint, empty otherwise.
    novelty
        Tensors by which a picture unlike those trained on is told, see ``inference/novelty.py``; empty in a ``last``
        checkpoint, in one of a split without a part to choose on, and in one of an earlier version.
    decisions
        Plain values of what was chosen on validation images, see ``inference/decision_record.py``; empty until the run
        was evaluated.
    """

    model_state: dict[str, torch.Tensor]
    config: dict[str, Any]
    class_names: tuple[str, ...]
    preprocessing: dict[str, Any]
    epoch: int
    metrics: dict[str, float]
    class_weights: list[float]
    provenance: dict[str, Any]
    training_state: dict[str, Any] = field(default_factory=dict)
    novelty: dict[str, torch.Tensor] = field(default_factory=dict)
    decisions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config, model_state: dict[str, torch.Tensor], **others: Any) -> Checkpoint:
        """Return a checkpoint with the classes and the preprocessing of `config`; `others` are further attributes."""
        return cls(
            model_state=model_state,
            config=config.to_dict(),
            class_names=config.class_names,
            preprocessing=config.preprocessing().to_dict(),
            **others,
        )


def checkpoint_path(config: Config, split: str, kind: str) -> Path:
    """Return the file of a run's checkpoint; `kind` is ``best`` or ``last``."""
    return config.paths.checkpoints_dir / f"{config.experiment}_{split}_{kind}.pt"


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; a kill at any moment leaves the previous one whole."""
    values = {item.name: getattr(checkpoint, item.name) for item in dataclasses.fields(checkpoint)}
    with atomic_writer(path) as stream:
        torch.save({"format": FORMAT, **values, "class_names": list(checkpoint.class_names)}, stream)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint without executing anything in it.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, unsafe, or not an osteolens checkpoint.
    """
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Name the checkpoint in it, a file ending in .pt.")
    if not path.is_file():
        raise CheckpointError(f"the checkpoint {path} does not exist. Train first, or name another with --checkpoint.")
    values = load_safely(path, "Take an undamaged copy, or train again.")
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise CheckpointError(f"{path} is not an osteolens checkpoint.")
    try:
        return Checkpoint(**{**values, "class_names": tuple(values["class_names"])})
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is an incomplete checkpoint: {error}.") from error


def network_sha256(checkpoint: Checkpoint) -> str:
    """Return the identity of a checkpoint's network in hexadecimal: of its weights, classes and preprocessing.

    What is added to the file after training, novelty and decisions, leaves it as it is, so that predictions are known
    again as those of this network. It is the SHA-256 of a line of JSON for the classes and the preprocessing, followed
    by each tensor in the order of the names: name, type and shape as text, then its bytes.
    """
    context = [list(checkpoint.class_names), checkpoint.preprocessing]
    digest = hashlib.sha256(json.dumps(context, sort_keys=True).encode())
    for name, tensor in sorted(checkpoint.model_state.items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"\n{name} {values.dtype} {list(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def restore_model(checkpoint: Checkpoint, path: Path) -> tuple[BTXRDClassifier, Preprocessing]:
    """Rebuild the network of a checkpoint, in evaluation mode, and its preprocessing.

    Raises
    ------
    CheckpointError
        The configuration inside does not describe the weights inside.
    """
    try:
        config = Config.model_validate(checkpoint.config)
        model = create_model(
            config.model, len(checkpoint.class_names), image_size=config.data.image_size, starting_weights=False
        )
        model.load_state_dict(checkpoint.model_state)
        preprocessing = Preprocessing.from_dict(checkpoint.preprocessing)
    except (ConfigError, RuntimeError, ValueError) as error:
        detail = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} cannot be rebuilt: its weights and its configuration disagree ({detail})."
        ) from error
    return model.eval(), preprocessing
