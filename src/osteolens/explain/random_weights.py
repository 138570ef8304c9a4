"""The same network with random weights, all of them or from the head down to some layer.

A tensor of weights is replaced by independent normal draws of the same mean and spread: what was learnt is lost, the
scale that keeps a signal alive through all layers is not. Batch norms whose weights were replaced, and their layer's
with them, get the statistics that they now see on real pictures; with those of the trained network, or none, the signal
of a deep network would vanish, and its map would show rounding errors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.models.classifier import BTXRDClassifier

_SEEN = 32  # pictures that the batch norms see
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)


def layer_groups(model: BTXRDClassifier) -> list[tuple[str, ...]]:
    """Return the names in ``model.network`` of the parameters of each stage, by timm's own grouping, head first."""
    from timm.models import group_parameters

    network = model.network
    grouped: dict[float, list[str]] = group_parameters(network, network.group_matcher(coarse=True))
    return [tuple(grouped[number]) for number in sorted(grouped, reverse=True)]


def group_label(names: Iterable[str]) -> str:
    """Return what a group of parameters is called: the modules it is made of, such as ``blocks.6, conv_head, bn2``."""
    inner: dict[str, set[str]] = {}
    for name in names:
        parts = name.split(".")
        inner.setdefault(parts[0], set()).add(parts[1] if len(parts) > 2 else "")
    return ", ".join(
        f"{top}.{next(iter(below))}".rstrip(".") if len(below) == 1 else top for top, below in inner.items()
    )


def random_network(
    model: BTXRDClassifier, record: Preprocessing, pictures: NDArray[np.uint8], generator: np.random.Generator
) -> BTXRDClassifier:
    """Return a copy of a network with random weights throughout.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized, from which those are drawn that the batch norms see.
    """
    randomised = copy.deepcopy(model)
    names = [name for group in layer_groups(model) for name in group]
    randomise(randomised, names, record, pictures, generator)
    return randomised


def randomise(
    model: BTXRDClassifier,
    names: Iterable[str],
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    generator: np.random.Generator,
) -> None:
    """Replace the parameters of these names in ``model.network``, in place; see :func:`random_network`."""
    chosen = set(names)
    for name, parameter in model.network.named_parameters():
        if name in chosen:
            values = parameter.detach().float()
            spread = float(values.std(correction=0))
            drawn = generator.normal(float(values.mean()), spread, tuple(values.shape)).astype(np.float32)
            parameter.data.copy_(torch.from_numpy(np.asarray(drawn)))
    _see_again(model, chosen, normalise(_drawn(pictures, generator), record))


def _drawn(pictures: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return as many pictures as the batch norms see, each as seldom as possible more than once."""
    return pictures[generator.permutation(np.resize(generator.permutation(len(pictures)), _SEEN))]


@torch.no_grad()
def _see_again(model: BTXRDClassifier, chosen: set[str], inputs: NDArray[np.float32]) -> None:
    norms: list[Any] = [
        module
        for name, module in model.network.named_modules()
        if isinstance(module, _NORMS) and f"{name}.weight" in chosen
    ]
    if not norms:
        return
    training = model.training
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean
        norm.training = True
    model(torch.from_numpy(inputs).to(next(model.parameters()).device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)
