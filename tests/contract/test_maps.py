"""Closed-form maps against pytorch-grad-cam, on every supported family and on the grid's attention network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from osteolens.explain.cam import class_maps
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.families import FAMILIES
from osteolens.runtime import ensure_torchvision

pytestmark = pytest.mark.slow

SIDE, BATCH, CLASSES = 96, 2, 3
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    *((family.example, {}) for family in FAMILIES),
    ("resnet50", {"block_args": {"attn_layer": "cbam"}}),
]


def lively_network(backbone: str, options: dict[str, Any]) -> BTXRDClassifier:
    """Return a network of random weights whose features vary from place to place.

    A forward pass in training mode fits the running statistics of its batch norms. The last layer is enlarged because
    the library adds 1e-7 to the maximum of a map before it divides by it.
    """
    torch.manual_seed(0)
    model = BTXRDClassifier(backbone, CLASSES, drop_rate=0.0, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(4, 3, SIDE, SIDE))
        model.network.get_classifier().weight.normal_().mul_(1e4)
    return model.eval()


def library_maps(model: BTXRDClassifier, images: torch.Tensor) -> np.ndarray:
    """Return the library's own output [B, K, H, W], one call per class."""
    ensure_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model, [model.gradcam_target_layer]) as cam:
        return np.stack([cam(images, [ClassifierOutputTarget(k)] * len(images)) for k in range(CLASSES)], axis=1)


def as_the_library_scales(maps: np.ndarray) -> np.ndarray:
    """Stretch to 0 to 1, enlarge, stretch again: what the library does to every map before it hands it out."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    return np.stack([scale_cam_image(scale_cam_image(image, (SIDE, SIDE))) for image in maps])


def random_images(seed: int) -> torch.Tensor:
    """Return [B, 3, S, S] in the memory layout of class_maps; another layout makes other rounding errors."""
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("backbone", "options"), NETWORKS, ids=[name for name, _ in NETWORKS])
def test_maps_of_all_classes_equal_the_library(backbone, options):
    model = lively_network(backbone, options)
    images = random_images(1)
    expected = library_maps(model, images)
    batch = class_maps(model, images)
    assert batch.method == ("gradcam" if backbone.startswith("mobilenetv3") else "closed_form")
    assert np.median(batch.maps.std(axis=(2, 3))) > 0.05  # on flat or empty maps the comparison would say nothing
    np.testing.assert_allclose(as_the_library_scales(batch.maps), expected, atol=1e-5)
    with torch.no_grad():
        np.testing.assert_allclose(batch.logits, model(images).numpy(), rtol=1e-3)


@pytest.mark.parametrize("backbone", ["efficientnet_b0", "mobilenetv3_small_050"])
def test_maps_are_the_gradient_method_worked_out_by_autograd(backbone):
    """At map resolution and without the library: mean gradient times features, ReLU, divided by the maximum."""
    model = lively_network(backbone, {})
    images = random_images(2)
    features = model.forward_features(images)
    logits = model.forward_head(features)
    for k in range(CLASSES):
        (gradient,) = torch.autograd.grad(logits[:, k].sum(), features, retain_graph=True)
        heat = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1).relu().detach()
        expected = heat / heat.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
        np.testing.assert_allclose(class_maps(model, images, classes=[k]).maps[:, 0], expected.numpy(), atol=1e-5)
