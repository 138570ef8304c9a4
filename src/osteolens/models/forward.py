"""Pictures through a network to class probabilities: the one loop that validation and inference share."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.progress import track


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
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    rows = []
    for start in track(range(0, len(pictures), batch_size), description):
        batch = torch.from_numpy(normalise(pictures[start : start + batch_size], record)).to(device)
        batch = batch.contiguous(memory_format=torch.channels_last)
        probabilities = softmax(model(batch))
        if flip_averaging:
            probabilities = (probabilities + softmax(model(batch.flip(3)))) / 2
        rows.append(probabilities)
    model.train(training)
    return np.concatenate(rows)
