from __future__ import annotations

import pytest
import torch

from osteolens.config import ModelOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import count_attention, count_parameters, create_model


@pytest.mark.parametrize(
    ("backbone", "attention", "parameters", "features"),
    [
        ("efficientnet_b0", None, 4_011_391, 1280),
        ("efficientnet_b3", None, 10_700_843, 1536),
        ("resnet50", None, 23_514_179, 2048),
        ("resnet50", "cbam", 26_030_723, 2048),
    ],
)
def test_grid_architectures_have_the_known_size(
    backbone: str, attention: str | None, parameters: int, features: int
) -> None:
    # 4,011,391 is stated in the literature on the grid; the others agree with it to a tenth of a million
    model = create_model(ModelOptions.model_validate({"backbone": backbone, "attn_layer": attention}), 3)
    assert count_parameters(model) == parameters
    assert model.num_features == features


def test_cbam_is_in_every_residual_block() -> None:
    # ResNet-50 has 3 + 4 + 6 + 3 bottlenecks, each with one CBAM (a channel and a spatial part)
    model = create_model(ModelOptions(backbone="resnet50", attn_layer="cbam"), 3)
    assert count_attention(model) == 16
    assert count_attention(create_model(ModelOptions(backbone="resnet50"), 3)) == 0


def test_target_layers_are_those_of_the_field() -> None:
    efficientnet = BTXRDClassifier("efficientnet_b0")
    resnet = BTXRDClassifier("resnet18")
    assert efficientnet.gradcam_target_layer is efficientnet.network.bn2
    assert resnet.gradcam_target_layer is resnet.network.layer4[-1]


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
    # MobileNetV3 has a convolution between pooling and classifier
    assert BTXRDClassifier("mobilenetv3_small_050").linear_head() is None


def test_linear_head_leaves_the_mode_as_it_was() -> None:
    model = BTXRDClassifier("resnet18").train()
    model.linear_head()
    assert model.training
    assert not model.eval().training
