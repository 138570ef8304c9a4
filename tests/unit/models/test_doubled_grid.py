from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  the name under which torch is known

from osteolens.config import ModelOptions
from osteolens.errors import ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.doubled_grid import doubled_features
from osteolens.models.factory import create_model


def network(backbone: str, **options: Any) -> BTXRDClassifier:
    """Return a network of random weights whose batch norms fit its features."""
    torch.manual_seed(0)
    model = create_model(ModelOptions(backbone=backbone, **options), 3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 96, 96))
    return model.eval()


NETWORKS: list[tuple[str, dict[str, Any], int]] = [
    ("mobilenetv2_050", {}, 0),
    ("mobilenetv2_050", {"pad_type": "same"}, 1),  # its own cells are the second ones
    ("efficientnet_b0", {}, 0),
    ("tf_efficientnet_b0", {}, 1),
    ("resnet18", {}, 0),
    ("resnet18", {"attn_layer": "cbam"}, 0),
    ("regnetx_002", {}, 0),
    ("regnety_002", {}, 0),
]


@pytest.mark.parametrize(("backbone", "options", "own"), NETWORKS)
@torch.no_grad()
def test_every_second_cell_is_that_of_the_unchanged_network(backbone, options, own):
    model = network(backbone, **options)
    images = torch.randn(2, 3, 96, 128)
    expected = model.forward_features(images)
    doubled = doubled_features(model, images)
    scale = expected.abs().max()
    assert doubled.fine.shape == (2, expected.shape[1], 6, 8)
    torch.testing.assert_close(doubled.own / scale, expected / scale, rtol=0, atol=1e-5)
    assert torch.equal(doubled.fine[..., own::2, own::2], doubled.own)
    # Own cells over 15.5 + 32 i, fine ones over 7.5 + 16 (j + shift) with j = 2 i + own.
    assert doubled.shift == ((15.5 - 7.5) / 16 - own, (15.5 - 7.5) / 16 - own)


@torch.no_grad()
def test_without_weighed_channels_it_is_the_network_dilated_by_two():
    """By the usual recipe: no stride in the last halving, and a dilation of 2 in every 3 x 3 convolution after it."""
    model = network("resnet18")
    images = torch.randn(1, 3, 96, 96)
    fine = doubled_features(model, images).fine
    last = model.network.layer4
    last[0].conv1.stride = last[0].downsample[0].stride = (1, 1)
    for layer in (last[0].conv2, last[1].conv1, last[1].conv2):
        layer.dilation = layer.padding = (2, 2)
    torch.testing.assert_close(fine, model.forward_features(images), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_cell_between_is_the_networks_own_for_a_picture_moved_by_half_a_cell():
    """A border as wide as the receptive field keeps the edges out of it."""
    model = network("mobilenetv2_050")
    picture = torch.randn(1, 3, 64, 64)
    at = F.pad(picture, (320, 256, 320, 256))
    moved = F.pad(picture, (304, 272, 304, 272))  # 16 pixels up and to the left
    fine = doubled_features(model, at).fine
    own = model.forward_features(moved)
    inner = slice(8, 12)
    torch.testing.assert_close(fine[..., 1::2, 1::2][..., inner, inner], own[..., inner, inner], rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_the_network_is_left_as_it_was():
    model, images = network("mobilenetv2_050"), torch.randn(1, 3, 64, 64)
    before = model(images)
    doubled_features(model, images)
    assert torch.equal(model(images), before)
    with pytest.raises(ConfigError, match=r"3 x 3 cells before the last halving, which must be even\. Use native"):
        doubled_features(model, torch.randn(1, 3, 48, 48))
    assert torch.equal(model(images), before)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("backbone", "reason"),
    [
        ("resnet10t", "an odd kernel alone"),  # 2 x 2 means in the shortcut
        ("densenet121", "an odd kernel alone"),
        ("convnext_atto", "an odd kernel alone"),
        ("swin_tiny_patch4_window7_224", "cuts its input into patches"),
        ("vit_tiny_patch16_224", "cuts its input into patches"),
    ],
)
def test_where_it_is_not_exact_it_is_refused(backbone, reason):
    model = BTXRDClassifier(backbone, 3).eval()
    with torch.no_grad(), pytest.raises(ConfigError, match=rf"double is not possible for {backbone}.*{reason}"):
        doubled_features(model, torch.zeros(1, 3, 64, 64))
