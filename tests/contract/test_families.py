"""Every family of backbones keeps the same promises."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from osteolens.config import Config, ModelOptions, load_config
from osteolens.errors import ConfigError
from osteolens.explain.cam import class_maps
from osteolens.models.checkpoint import Checkpoint, load_checkpoint, restore_model, save_checkpoint
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.families import FAMILIES, family_of

# Input side; number of features and side of their map, as the architectures' papers give them.
EXPECTED = {
    "efficientnet_b0": (64, 1280, 2),
    "tf_efficientnet_b0": (64, 1280, 2),
    "mobilenetv2_050": (64, 1280, 2),
    "mobilenetv3_small_050": (64, 288, 2),
    "tf_mobilenetv3_small_minimal_100": (64, 576, 2),
    "resnet18": (64, 512, 2),
    "convnext_atto": (64, 320, 2),
    "regnetx_002": (64, 368, 2),
    "densenet121": (64, 1024, 2),
    "vit_tiny_patch16_224": (64, 192, 4),
    "swin_tiny_patch4_window7_224": (64, 768, 2),
    # ViTs of the DINO kind: patches of 14, register tokens, rotary positions
    "vit_small_patch14_reg4_dinov2": (70, 384, 5),
    "vit_tiny_patch16_dinov3_qkvb": (64, 192, 4),
}
BACKBONES = list(EXPECTED)


def configuration(backbone: str) -> Config:
    return load_config(None, [f"model.backbone={backbone}", f"data.image_size={EXPECTED[backbone][0]}"])


@functools.lru_cache(maxsize=1)
def untouched(backbone: str) -> BTXRDClassifier:
    """The network of one backbone, for tests that change nothing in it."""
    torch.manual_seed(0)
    config = configuration(backbone)
    return create_model(config.model, 3, image_size=config.data.image_size).eval()


def pictures(backbone: str, count: int) -> torch.Tensor:
    side = EXPECTED[backbone][0]
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def test_every_family_is_checked_here() -> None:
    assert {family.example for family in FAMILIES} <= set(BACKBONES)


@pytest.mark.parametrize("backbone", BACKBONES, scope="class")  # all tests of one backbone together: one network
class TestEveryFamily:
    def test_logits_features_and_head_fit_together(self, backbone: str) -> None:
        model = untouched(backbone)
        with torch.no_grad():
            features = model.forward_features(pictures(backbone, 2))
            logits = model(pictures(backbone, 2))
        assert logits.shape == (2, 3)
        assert torch.allclose(model.forward_head(features), logits, atol=1e-6)

    def test_the_target_layer_gives_a_map(self, backbone: str) -> None:
        model, images = untouched(backbone), pictures(backbone, 1)
        _, channels, side = EXPECTED[backbone]
        seen: list[torch.Tensor] = []
        with torch.no_grad(), model.gradcam_target_layer.register_forward_hook(lambda *call: seen.append(call[2])):
            features = model.forward_features(images)
        assert model.num_features == channels
        assert model.feature_map(seen[0], images).shape == (1, channels, side, side)
        if model.family.layout != "tokens":  # the last features themselves
            assert torch.equal(model.feature_map(seen[0], images), features)

    def test_class_maps_have_the_grid_of_the_target_layer(self, backbone: str) -> None:
        batch = class_maps(untouched(backbone), pictures(backbone, 2))
        side = EXPECTED[backbone][2]
        assert batch.maps.values.shape == (2, 3, side, side)
        assert 0 <= batch.maps.values.min() <= batch.maps.values.max() <= 1

    def test_a_checkpoint_answers_with_the_same_bits(self, backbone: str, tmp_path: Path) -> None:
        config, model = configuration(backbone), untouched(backbone)
        checkpoint = Checkpoint.of(
            config,
            model.state_dict(),
            epoch=1,
            metrics={},
            class_weights=[1.0, 1.0, 1.0],
            provenance={},
        )
        path = save_checkpoint(tmp_path / "a.pt", checkpoint)
        restored, _ = restore_model(load_checkpoint(path), path)
        path.unlink()  # up to 110 MB
        with torch.no_grad():
            assert torch.equal(restored(pictures(backbone, 2)), model(pictures(backbone, 2)))

    def test_local_weights_fill_everything_but_the_classifier(self, backbone: str, tmp_path: Path) -> None:
        model, path = untouched(backbone), tmp_path / "weights.safetensors"
        given = model.network.state_dict()
        classifier = model.network.get_classifier().weight
        head = next(name for name, value in model.network.named_parameters() if value is classifier)
        save_file({**given, head: torch.zeros(1000, model.num_features)}, path)
        options = ModelOptions(backbone=backbone, weights=path)
        own = create_model(options, 3, image_size=EXPECTED[backbone][0]).network.state_dict()
        path.unlink()
        assert {name for name in own if not torch.equal(own[name], given[name])} == {head}

    def test_one_training_step_moves_the_first_and_the_last_layer(self, backbone: str) -> None:
        torch.manual_seed(0)
        model = create_model(ModelOptions(backbone=backbone), 3, image_size=EXPECTED[backbone][0]).train()
        first = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
        ends = [first.weight, model.network.get_classifier().weight]
        before = [weight.detach().clone() for weight in ends]
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        loss = torch.nn.functional.cross_entropy(model(pictures(backbone, 4)), torch.tensor([0, 1, 2, 0]))
        loss.backward()
        optimizer.step()
        assert loss.isfinite()
        assert not any(torch.equal(weight, old) for weight, old in zip(ends, before, strict=True))

    def test_attention_is_put_in_or_refused(self, backbone: str) -> None:
        options = ModelOptions(backbone=backbone, attn_layer="cbam")
        if backbone.startswith("resnet"):
            create_model(options, 3)
        else:
            with pytest.raises(ConfigError, match=f"{backbone} does not take model.attn_layer"):
                create_model(options, 3)


def test_the_longest_prefix_decides() -> None:
    assert family_of("tf_efficientnet_b0").prefix == "tf_efficientnet"
    with pytest.raises(ConfigError, match="no supported family"):
        family_of("vgg11")


def test_the_wrapper_takes_timm_options() -> None:
    model = BTXRDClassifier("mobilenetv2_050", 2, drop_rate=0.5, pad_type="same")
    assert model.network.drop_rate == 0.5
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 2)
