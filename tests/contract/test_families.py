"""Every family of backbones keeps the same promises."""

from __future__ import annotations

import pytest
import torch

from osteolens.config import ModelOptions
from osteolens.errors import ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.families import FAMILIES, family_of

EXAMPLES = [family.example for family in FAMILIES]


@pytest.mark.parametrize("backbone", EXAMPLES)
def test_logits_features_and_head_fit_together(backbone: str) -> None:
    model = create_model(ModelOptions(backbone=backbone), 3).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        features = model.forward_features(images)
        logits = model(images)
    assert logits.shape == (2, 3)
    assert features.ndim == 4
    assert torch.allclose(model.forward_head(features), logits, atol=1e-6)


@pytest.mark.parametrize("backbone", EXAMPLES)
def test_the_target_layer_makes_the_last_feature_map(backbone: str) -> None:
    model = create_model(ModelOptions(backbone=backbone), 3).eval()
    seen: list[torch.Tensor] = []
    with torch.no_grad(), model.gradcam_target_layer.register_forward_hook(lambda *call: seen.append(call[2])):
        features = model.forward_features(torch.randn(1, 3, 64, 64))
    assert torch.equal(seen[0], features)


@pytest.mark.parametrize("backbone", EXAMPLES)
def test_one_training_step_moves_every_part(backbone: str) -> None:
    torch.manual_seed(0)
    model = create_model(ModelOptions(backbone=backbone), 3).train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loss = torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    optimizer.step()
    moved = [name for name, value in model.named_parameters() if not torch.equal(value, before[name])]
    assert any(name.startswith(("network.conv_stem", "network.conv1")) for name in moved)
    assert any(name.endswith(("classifier.weight", "fc.weight")) for name in moved)


def test_the_longest_prefix_decides() -> None:
    assert family_of("tf_efficientnet_b0").prefix == "tf_efficientnet"
    with pytest.raises(ConfigError, match="no supported family"):
        family_of("vgg11")


def test_the_wrapper_takes_timm_options() -> None:
    model = BTXRDClassifier("mobilenetv2_050", 2, drop_rate=0.5, pad_type="same")
    assert model.network.drop_rate == 0.5
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 2)
