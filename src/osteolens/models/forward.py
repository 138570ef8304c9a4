"""Pictures through a network to class probabilities and features: the one loop that validation and inference share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.models.classifier import BTXRDClassifier
from osteolens.progress import track


@dataclass(frozen=True, slots=True)
class Outputs:
    """What one pass gives.

    Attributes
    ----------
    probabilities
        float64 [N, classes]; rows sum to 1.
    features
        What the last layer reads, float32 [N, F]; of each picture itself, whether or not mirror images are averaged.
    """

    probabilities: NDArray[np.float64]
    features: NDArray[np.float32]


def softmax(logits: torch.Tensor) -> NDArray[np.float64]:
    """Return the softmax of logits [N, classes] as float64, made on the CPU, since Apple's MPS has no float64."""
    return logits.detach().float().cpu().double().softmax(dim=1).numpy()


@torch.inference_mode()
def class_probabilities(
    model: torch.nn.Module,
    pictures: NDArray[np.uint8],
    record: Preprocessing,
    *,
    batch_size: int = 32,
    flip_averaging: bool = False,
    description: str = "predicting",
) -> NDArray[np.float64]:
    """Return the softmax of a network's logits.

    Parameters
    ----------
    pictures
        uint8 [N, size, size], already resized.
    flip_averaging
        Average the probabilities of each picture and of its mirror image.

    Returns
    -------
    numpy.ndarray
        float64 [N, classes]; rows sum to 1.
    """
    training = model.training
    model.eval()
    rows = []
    for batch in _batches(model, pictures, record, batch_size, description):
        mirrored = model(batch.flip(3)) if flip_averaging else None
        rows.append(_averaged(model(batch), mirrored))
    model.train(training)
    return np.concatenate(rows)


@torch.inference_mode()
def network_outputs(
    model: BTXRDClassifier,
    pictures: NDArray[np.uint8],
    record: Preprocessing,
    *,
    batch_size: int = 32,
    flip_averaging: bool = False,
    description: str = "predicting",
) -> Outputs:
    """Return the same probabilities with the features that they rest on, from the same pass.

    Parameters
    ----------
    pictures, flip_averaging
        See :func:`class_probabilities`.
    """
    training = model.training
    model.eval()
    probabilities, features = [], []
    for batch in _batches(model, pictures, record, batch_size, description):
        last = model.forward_features(batch)
        mirrored = model(batch.flip(3)) if flip_averaging else None
        probabilities.append(_averaged(model.forward_head(last), mirrored))
        features.append(model.forward_head(last, pre_logits=True).float().cpu().numpy())
    model.train(training)
    return Outputs(np.concatenate(probabilities), np.concatenate(features))


def _batches(
    model: torch.nn.Module, pictures: NDArray[np.uint8], record: Preprocessing, batch_size: int, description: str
) -> Iterator[torch.Tensor]:
    """Yield normalised images [B, C, size, size] on the network's device."""
    device = next(model.parameters()).device
    for start in track(range(0, len(pictures), batch_size), description):
        batch = torch.from_numpy(normalise(pictures[start : start + batch_size], record)).to(device)
        yield batch.contiguous(memory_format=torch.channels_last)


def _averaged(logits: torch.Tensor, mirrored: torch.Tensor | None) -> NDArray[np.float64]:
    """Return the probabilities of a picture, averaged with those of its mirror image where they are given."""
    return softmax(logits) if mirrored is None else (softmax(logits) + softmax(mirrored)) / 2
