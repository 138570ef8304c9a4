"""Closed-form maps against pytorch-grad-cam, on every supported family and on the grid's attention network."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch

from osteolens.explain.cam import class_maps
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.families import FAMILIES
from osteolens.runtime import ensure_torchvision

pytestmark = pytest.mark.slow

BATCH, CLASSES = 2, 3
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    *((family.example, {}) for family in FAMILIES),
    ("resnet50", {"block_args": {"attn_layer": "cbam"}}),
    ("swinv2_tiny_window8_256", {}),
    ("vit_small_patch14_reg4_dinov2", {}),
]
BY_GRADIENT = ("mobilenetv3", "tf_mobilenetv3", "convnext", "vit_")  # a layer or a norm lies behind the pooling


def input_side(backbone: str) -> int:
    return 84 if "patch14" in backbone else 96


def lively_network(backbone: str, options: dict[str, Any]) -> BTXRDClassifier:
    """Return a network of random weights whose features vary from place to place.

    A forward pass in training mode fits the running statistics of its batch norms. The last layer is enlarged because
    the library adds 1e-7 to the maximum of a map before it divides by it.
    """
    torch.manual_seed(0)
    if backbone.startswith(("vit_", "swin")):
        options = {**options, "img_size": input_side(backbone)}
    model = BTXRDClassifier(backbone, CLASSES, drop_rate=0.0, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(4, 3, input_side(backbone), input_side(backbone)))
        model.network.get_classifier().weight.normal_().mul_(1e4)
    return model.eval()


def as_map(model: BTXRDClassifier, output: torch.Tensor) -> torch.Tensor:
    """Return a layer's output as [B, C, h, w], cell by cell from the definition of timm's layouts."""
    if output.ndim == 3:  # class and register tokens, then the patches row by row
        prefix = {"vit_tiny_patch16_224": 1, "vit_small_patch14_reg4_dinov2": 5}[model.backbone_name]
        side = round((output.shape[1] - prefix) ** 0.5)
        rows = [
            torch.stack([output[:, prefix + y * side + x] for x in range(side)], dim=-1) for y in range(side)
        ]  # each [B, C, w]
        return torch.stack(rows, dim=-2)
    return torch.movedim(output, -1, 1) if model.backbone_name.startswith("swin") else output


def library_maps(model: BTXRDClassifier, images: torch.Tensor) -> np.ndarray:
    """Return the library's own output [B, K, H, W], one call per class."""
    ensure_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model, [model.gradcam_target_layer], functools.partial(as_map, model)) as cam:
        return np.stack([cam(images, [ClassifierOutputTarget(k)] * len(images)) for k in range(CLASSES)], axis=1)


def as_the_library_scales(maps: np.ndarray, side: int) -> np.ndarray:
    """Stretch to 0 to 1, enlarge, stretch again: what the library does to every map before it hands it out."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    return np.stack([scale_cam_image(scale_cam_image(image, (side, side))) for image in maps])


def random_images(backbone: str, seed: int) -> torch.Tensor:
    """Return [B, 3, S, S] in the memory layout of class_maps; another layout makes other rounding errors."""
    side = input_side(backbone)
    images = torch.randn(BATCH, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("backbone", "options"), NETWORKS, ids=[name for name, _ in NETWORKS])
def test_maps_of_all_classes_equal_the_library(backbone, options):
    model = lively_network(backbone, options)
    images = random_images(backbone, 1)
    expected = library_maps(model, images)
    batch = class_maps(model, images)
    assert batch.method == ("gradcam" if backbone.startswith(BY_GRADIENT) else "closed_form")
    assert (
        np.median(batch.maps.values.std(axis=(2, 3))) > 0.05
    )  # on flat or empty maps the comparison would say nothing
    np.testing.assert_allclose(as_the_library_scales(batch.maps.values, input_side(backbone)), expected, atol=1e-5)
    with torch.no_grad():
        np.testing.assert_allclose(batch.logits, model(images).numpy(), rtol=1e-3)


@pytest.mark.parametrize(
    "backbone",
    [
        "efficientnet_b0",
        "mobilenetv3_small_050",
        "convnext_atto",
        "vit_tiny_patch16_224",
        "swin_tiny_patch4_window7_224",
    ],
)
def test_maps_are_the_gradient_method_worked_out_by_autograd(backbone):
    """At map resolution and without the library: mean gradient times features, ReLU, divided by the maximum."""
    model = lively_network(backbone, {})
    images = random_images(backbone, 2)
    seen: list[torch.Tensor] = []
    with model.gradcam_target_layer.register_forward_hook(lambda *call: seen.append(call[2])):
        logits = model(images)
    for k in range(CLASSES):
        (gradient,) = torch.autograd.grad(logits[:, k].sum(), seen[0], retain_graph=True)
        features, gradient = as_map(model, seen[0]), as_map(model, gradient)
        heat = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1).relu().detach()
        expected = heat / heat.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
        np.testing.assert_allclose(
            class_maps(model, images, classes=[k]).maps.values[:, 0], expected.numpy(), atol=1e-5
        )
