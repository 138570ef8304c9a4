"""Class-activation maps: where in a picture the evidence for each class lies.

For a network that ends in global average pooling and one linear layer, the class-activation map (Zhou et al.,
"Learning Deep Features for Discriminative Localization", CVPR 2016) is the linear weights times the last features. The
gradient of a logit with respect to those features is that weight divided by their area, the same at every place, so
Grad-CAM (Selvaraju et al., ICCV 2017) gives the same map up to a positive factor, which the division by the map's own
maximum takes away. It needs one forward pass for all classes and no backward pass. Other networks and methods go
through the library pytorch-grad-cam (:mod:`osteolens.explain.library_maps`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from osteolens.errors import ConfigError
from osteolens.explain.cell_map import CellMap
from osteolens.explain.library_maps import library_evidence
from osteolens.explain.upsample import Pair
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.doubled_grid import doubled_features
from osteolens.models.forward import softmax

MapMethod = Literal["auto", "closed_form", "gradcam", "gradcam++", "hirescam", "eigencam"]
Resolution = Literal["native", "double"]
CLASSLESS: tuple[MapMethod, ...] = ("eigencam",)
Floats = NDArray[np.float32]


def mapped_class(method: MapMethod, asked: str) -> str:
    """Return the class that the maps of a method are of, where `asked`, such as "true class", was asked for."""
    return f"none, {method} asks for no class" if method in CLASSLESS else asked


def map_meaning(method: MapMethod, asked: str) -> str:
    """Return in words what those maps show."""
    return "what stands out to the network, of no class" if method in CLASSLESS else f"evidence for the {asked}"


@dataclass(frozen=True, slots=True, eq=False)
class MapBatch:
    """Maps and answers of one batch.

    Attributes
    ----------
    maps
        [B, K, h, w] at the resolution of the features, 0 to 1: negative evidence set to 0, then each map divided by its
        own maximum. A map without any positive evidence is 0 everywhere.
    logits, probabilities
        [B, C] of all classes.
    classes
        K class indices, in the order of the maps.
    method
        The method that made the maps; never ``auto``. Those of a method in :data:`CLASSLESS` are the same for all
        classes.
    """

    maps: CellMap
    logits: Floats
    probabilities: Floats
    classes: tuple[int, ...]
    method: MapMethod


def used_method(model: BTXRDClassifier, method: MapMethod) -> MapMethod:
    """Return the method that makes the maps of a network: never ``auto``, which is one or the other."""
    if method != "auto":
        return method
    return "gradcam" if model.linear_head() is None else "closed_form"


def class_maps(
    model: BTXRDClassifier,
    images: torch.Tensor,
    *,
    method: MapMethod = "auto",
    resolution: Resolution = "native",
    classes: Sequence[int] | None = None,
) -> MapBatch:
    """Return the class-activation maps of a batch.

    Parameters
    ----------
    images
        Normalised, float32 [B, C, H, W]; moved to the network's device.
    method
        ``closed_form`` where it must be exact, one of :data:`osteolens.explain.library_maps.LIBRARY_METHODS` for the
        library, ``auto`` for the closed form where it is exact and ``gradcam`` elsewhere.
    resolution
        ``double`` halves the distance of the cells (:mod:`osteolens.models.doubled_grid`); closed form only. The
        answers stay those of the unchanged network.
    classes
        Class indices whose maps are wanted; None for all.

    Raises
    ------
    ConfigError
        The closed form or the double resolution was asked for and is not exact for this network, or a class index does
        not exist.
    """
    chosen = _chosen_classes(model, classes)
    method = used_method(model, method)
    linear = model.linear_head() if method == "closed_form" else None
    if linear is None:
        _check_closed_form(model, method, resolution)
    images = images.to(next(model.parameters()).device).contiguous(memory_format=torch.channels_last)
    with _evaluation_mode(model):
        if linear is None:
            evidence, logits = library_evidence(model, images, chosen, method)
            shift = (0.0, 0.0)
        else:
            evidence, logits, shift = _closed_form(model, linear, images, chosen, resolution)
    return MapBatch(
        maps=CellMap(_by_own_maximum(evidence), shift),
        logits=logits.float().cpu().numpy(),
        probabilities=softmax(logits).astype(np.float32),
        classes=chosen,
        method=method,
    )


@torch.no_grad()
def _closed_form(
    model: BTXRDClassifier, linear: nn.Linear, images: torch.Tensor, classes: tuple[int, ...], resolution: Resolution
) -> tuple[Floats, torch.Tensor, Pair]:
    if resolution == "double":
        doubled = doubled_features(model, images)
        features, own, shift = doubled.fine, doubled.own, doubled.shift
    else:
        features = own = model.forward_features(images)
        shift = (0.0, 0.0)
    evidence = torch.einsum("kf,bfhw->bkhw", linear.weight[list(classes)], features)
    return evidence.float().cpu().numpy(), model.forward_head(own), shift


def _by_own_maximum(evidence: Floats) -> Floats:
    positive = np.maximum(evidence, 0)
    highest = positive.max(axis=(2, 3), keepdims=True)
    return np.divide(positive, highest, out=np.zeros_like(positive), where=highest > 0)


def _check_closed_form(model: BTXRDClassifier, method: MapMethod, resolution: Resolution) -> None:
    """Refuse what only the closed form can do."""
    if method == "closed_form":
        raise ConfigError(
            f"explanation.method = closed_form is not exact for {model.backbone_name}, which does not end in global "
            "average pooling and one linear layer. Use gradcam or auto."
        )
    if resolution == "double":
        raise ConfigError(
            f"explanation.resolution = double needs maps in closed form; those of {model.backbone_name} are made by "
            f"{method}. Use native."
        )


def _chosen_classes(model: BTXRDClassifier, classes: Sequence[int] | None) -> tuple[int, ...]:
    count = int(model.network.num_classes)
    chosen = tuple(range(count)) if classes is None else tuple(int(index) for index in classes)
    if not chosen or min(chosen) < 0 or max(chosen) >= count:
        raise ConfigError(f"maps of the classes {list(chosen)} were asked for; the network has 0 to {count - 1}.")
    return chosen


@contextlib.contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
