from __future__ import annotations

import pytest
import torch

from osteolens.config import ModelOptions
from osteolens.errors import ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import count_attention, count_parameters, create_model


def without_values(backbone: str, attention: str | None = None) -> BTXRDClassifier:
    """Return a network whose tensors have a shape and no values: made in no time."""
    with torch.device("meta"):
        return create_model(ModelOptions.model_validate({"backbone": backbone, "attn_layer": attention}), 3)


@pytest.mark.parametrize(
    ("backbone", "attention", "millions", "features"),
    [
        ("efficientnet_b0", None, 4.0, 1280),
        ("efficientnet_b2", None, 7.7, 1408),
        ("efficientnet_b3", None, 10.7, 1536),
        ("resnet50", None, 23.5, 2048),
        ("resnet50", "cbam", 26.0, 2048),
    ],
)
def test_grid_architectures_have_the_size_stated_in_the_literature(
    backbone: str, attention: str | None, millions: float, features: int
) -> None:
    model = without_values(backbone, attention)
    assert round(count_parameters(model) / 1e6, 1) == millions
    assert model.num_features == features


def test_efficientnet_b0_has_the_stated_size_to_the_last_parameter() -> None:
    assert count_parameters(without_values("efficientnet_b0")) == 4_011_391


@pytest.mark.parametrize(
    ("backbone", "blocks_of_width"),
    [("resnet18", {64: 2, 128: 2, 256: 2, 512: 2}), ("resnet50", {256: 3, 512: 4, 1024: 6, 2048: 3})],
)
def test_cbam_is_in_every_residual_block(backbone: str, blocks_of_width: dict[int, int]) -> None:
    plain, model = without_values(backbone), without_values(backbone, "cbam")
    blocks = sum(blocks_of_width.values())
    assert (count_attention(plain), count_attention(model)) == (0, blocks)
    modules = [type(module).__name__ for module in model.modules() if type(module).__module__ == "timm.layers.cbam"]
    assert len(modules) == 3 * blocks  # the CBAM, its channel part and its spatial part: 48 in ResNet-50
    # channel part: two matrices between the width and a sixteenth of it; spatial part: 7 x 7 x 2 weights and a norm
    added = sum(count * (2 * width * (width // 16) + 7 * 7 * 2 + 2) for width, count in blocks_of_width.items())
    assert count_parameters(model) - count_parameters(plain) == added


def test_target_layers_are_those_of_the_field() -> None:
    layers = {name: without_values(name) for name in ("efficientnet_b0", "resnet18", "vit_tiny_patch16_224")}
    assert layers["efficientnet_b0"].gradcam_target_layer is layers["efficientnet_b0"].network.bn2
    assert layers["resnet18"].gradcam_target_layer is layers["resnet18"].network.layer4[-1]
    transformer = layers["vit_tiny_patch16_224"]
    assert transformer.gradcam_target_layer is transformer.network.blocks[-1].norm1


def test_tokens_become_a_map_row_by_row() -> None:
    model = without_values("vit_small_patch14_reg4_dinov2")  # one class token and four register tokens
    output = torch.arange(5 + 2 * 3).float().reshape(1, 11, 1)
    found = model.feature_map(output, torch.zeros(1, 3, 2 * 14, 3 * 14))
    assert found.tolist() == [[[[5, 6, 7], [8, 9, 10]]]]


def test_the_last_axis_of_swin_is_the_channel() -> None:
    model = without_values("swin_tiny_patch4_window7_224")
    found = model.feature_map(torch.arange(12).reshape(1, 2, 3, 2), torch.zeros(1, 3, 64, 96))
    assert found.tolist() == [[[[0, 2, 4], [6, 8, 10]], [[1, 3, 5], [7, 9, 11]]]]


def test_a_network_that_only_bears_the_name_of_a_family_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"resnetv2_18.*no layer layer4.*example resnet18"):
        without_values("resnetv2_18")


@pytest.mark.parametrize("backbone", ["mobilenetv2_050", "resnet18"])
def test_the_classifier_starts_near_zero(backbone: str) -> None:
    torch.manual_seed(0)
    head = BTXRDClassifier(backbone).network.get_classifier()
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not head.bias.any()


def test_linear_head_is_found_only_where_it_is_exact() -> None:
    head = BTXRDClassifier("resnet18").linear_head()
    assert head is not None
    assert (head.in_features, head.out_features) == (512, 3)
    # MobileNetV3 has a convolution between pooling and classifier, ConvNeXt a norm, and a ViT answers from one token
    for backbone in ("mobilenetv3_small_050", "convnext_atto", "vit_tiny_patch16_224"):
        assert BTXRDClassifier(backbone).linear_head() is None


def test_linear_head_leaves_the_mode_as_it_was() -> None:
    model = BTXRDClassifier("resnet18").train()
    model.linear_head()
    assert model.training
    assert not model.eval().training
