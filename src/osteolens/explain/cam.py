"""Class-activation maps: where in a picture the evidence for each class lies.

For a network that ends in global average pooling and one linear layer, the class-activation map (Zhou et al.,
"Learning Deep Features for Discriminative Localization", CVPR 2016) is the linear weights times the last features. The
gradient of a logit with respect to those features is that weight divided by their area, the same at every place, so
Grad-CAM (Selvaraju et al., ICCV 2017) gives the same map up to a positive factor, which the division by the map's own
maximum takes away. It needs one forward pass for all classes and no backward pass. Other networks go through the
library pytorch-grad-cam, one forward and backward pass per class.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from osteolens.errors import ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import softmax
from osteolens.runtime import ensure_torchvision

MapMethod = Literal["auto", "closed_form", "gradcam"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MapBatch:
    """Maps and answers of one batch.

    Attributes
    ----------
    maps
        [B, K, h, w] at the resolution of the target layer, 0 to 1: negative evidence set to 0, then each map divided
        by its own maximum. A map without any positive evidence is 0 everywhere.
    logits, probabilities
        [B, C] of all classes.
    classes
        K class indices, in the order of the maps.
    method
        The method that made the maps, ``closed_form`` or ``gradcam``.
    """

    maps: Floats
    logits: Floats
    probabilities: Floats
    classes: tuple[int, ...]
    method: MapMethod

    @property
    def n_zero(self) -> int:
        """Number of maps that are 0 everywhere."""
        return int(np.count_nonzero(self.maps.max(axis=(2, 3)) == 0))


def class_maps(
    model: BTXRDClassifier,
    images: torch.Tensor,
    *,
    method: MapMethod = "auto",
    classes: Sequence[int] | None = None,
) -> MapBatch:
    """Return the class-activation maps of a batch.

    Parameters
    ----------
    images
        Normalised, float32 [B, C, H, W]; moved to the network's device.
    method
        ``closed_form`` where it must be exact, ``gradcam`` for the library, ``auto`` for the closed form where it is
        exact and the library elsewhere.
    classes
        Class indices whose maps are wanted; None for all.

    Raises
    ------
    ConfigError
        The closed form was asked for and is not exact for this network, or a class index does not exist.
    """
    chosen = _chosen_classes(model, classes)
    linear = None if method == "gradcam" else model.linear_head()
    if method == "closed_form" and linear is None:
        raise ConfigError(
            f"explanation.method = closed_form is not exact for {model.backbone_name}, which does not end in global "
            "average pooling and one linear layer. Use gradcam or auto."
        )
    images = images.to(next(model.parameters()).device).contiguous(memory_format=torch.channels_last)
    with _evaluation_mode(model):
        if linear is not None:
            evidence, logits = _closed_form(model, linear, images, chosen)
        else:
            evidence, logits = _library(model, images, chosen)
    return MapBatch(
        maps=_by_own_maximum(evidence),
        logits=logits.float().cpu().numpy(),
        probabilities=softmax(logits).astype(np.float32),
        classes=chosen,
        method="gradcam" if linear is None else "closed_form",
    )


@torch.no_grad()
def _closed_form(
    model: BTXRDClassifier, linear: nn.Linear, images: torch.Tensor, classes: tuple[int, ...]
) -> tuple[Floats, torch.Tensor]:
    features = model.forward_features(images)
    evidence = torch.einsum("kf,bfhw->bkhw", linear.weight[list(classes)], features)
    return evidence.float().cpu().numpy(), model.forward_head(features)


def _library(model: BTXRDClassifier, images: torch.Tensor, classes: tuple[int, ...]) -> tuple[Floats, torch.Tensor]:
    """Return the library's weighted features as they are: its own output is stretched to 0 to 1 and enlarged."""
    ensure_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layer = model.gradcam_target_layer
    as_map = functools.partial(model.feature_map, images=images)
    evidence = []
    with torch.inference_mode(mode=False), torch.enable_grad(), GradCAM(model, [layer], as_map) as cam:
        # Features have a gradient even where the weights are frozen.
        images = images.clone().requires_grad_()
        for index in classes:
            targets = [ClassifierOutputTarget(index)] * len(images)
            cam(input_tensor=images, targets=targets)
            (activations,), (gradients,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
            evidence.append(cam.get_cam_image(images, layer, targets, activations.numpy(), gradients.numpy()))
        logits = cam.outputs.detach()
    model.zero_grad()  # the backward pass left gradients in the weights
    return np.stack(evidence, axis=1), logits


def _by_own_maximum(evidence: Floats) -> Floats:
    positive = np.maximum(evidence, 0)
    highest = positive.max(axis=(2, 3), keepdims=True)
    return np.divide(positive, highest, out=np.zeros_like(positive), where=highest > 0)


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
