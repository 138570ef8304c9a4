from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osteolens.config import ModelOptions
from osteolens.errors import ConfigError
from osteolens.models.factory import create_model


def test_a_misspelt_backbone_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean efficientnet_b0"):
        create_model(ModelOptions(backbone="eficientnet_b0"), 3)


@pytest.mark.parametrize(
    ("backbone", "hint"),
    [
        ("RESNET18", "did you mean resnet18?"),
        ("hf-hub:timm/resnet18.a1_in1k", "did you mean resnet18.a1_in1k?"),
        ("vit_", "networks of this family are, for example, vit_tiny_patch16_224, vit_"),
        ("hf-hub:timm/vit_x", "networks of this family are, for example, vit_tiny_patch16_224, vit_"),
        ("hf-hub:somebody/bones", "supported are names that begin with efficientnet, "),
        ("", "supported are names that begin with efficientnet, "),
    ],
)
def test_a_name_that_timm_does_not_know_names_supported_ones(backbone: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_model(ModelOptions(backbone=backbone), 3)
    assert f"{backbone!r} is not a timm model; {hint}" in str(caught.value)


def test_an_unsupported_family_names_the_supported_ones() -> None:
    with pytest.raises(ConfigError, match=r"no supported family.*efficientnet.*resnet"):
        create_model(ModelOptions(backbone="vgg11"), 3)


def test_attention_that_a_family_ignores_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # no family of today's timm ignores it; one that did would train without the attention that was asked for
    import timm

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *args, **kwargs: create(*args, **{**kwargs, "block_args": None}))
    with pytest.raises(ConfigError, match="put no attention into resnet18"):
        create_model(ModelOptions(backbone="resnet18", attn_layer="cbam"), 3)


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.backbone = 'resnet18\.nonsense'.*nonsense"):
        create_model(ModelOptions(backbone="resnet18.nonsense"), 3)


def test_padding_that_a_family_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"resnet18 does not take model\.pad_type"):
        create_model(ModelOptions(backbone="resnet18", pad_type="same"), 3)


@pytest.mark.parametrize(
    ("backbone", "size", "advice"),
    [
        ("vit_tiny_patch16_224", 97, "16 x 16 pixels. Use 96 or 112."),
        ("vit_small_patch14_dinov2", 64, "14 x 14 pixels. Use 56 or 70."),
        ("vit_small_patch32_224", 16, "32 x 32 pixels. Use 32."),
        ("swin_tiny_patch4_window7_224", 66, "4 x 4 pixels. Use 64 or 68."),
        ("vit_tiny_r_s16_p8_224", 72, "does not take data.image_size = 72"),  # patches of a feature map
    ],
)
def test_an_image_size_that_leaves_part_of_a_patch_is_refused(backbone: str, size: int, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_model(ModelOptions(backbone=backbone), 3, image_size=size)
    assert advice in str(caught.value)


@pytest.mark.parametrize(("backbone", "size"), [("densenet121", 16), ("convnext_atto", 24)])
def test_an_image_size_that_a_network_shrinks_to_nothing_is_refused(backbone: str, size: int) -> None:
    with pytest.raises(ConfigError, match=rf"{backbone} does not take data\.image_size = {size}: .* Raise data.image_"):
        create_model(ModelOptions(backbone=backbone), 3, image_size=size)


def test_the_trial_of_an_image_size_changes_nothing() -> None:
    torch.manual_seed(3)
    untried = create_model(ModelOptions(backbone="mobilenetv2_050"), 3)
    after = torch.rand(1)
    torch.manual_seed(3)
    tried = create_model(ModelOptions(backbone="mobilenetv2_050"), 3, image_size=16)
    assert torch.equal(torch.rand(1), after)
    assert tried.training
    state = tried.state_dict()
    assert all(torch.equal(state[name], value) for name, value in untried.state_dict().items())


def test_families_without_patches_take_any_size() -> None:
    model = create_model(ModelOptions(backbone="mobilenetv2_050"), 3, image_size=37).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 37, 37)).shape == (1, 3)


def test_swin_takes_a_size_that_its_windows_do_not_divide() -> None:
    model = create_model(ModelOptions(backbone="swin_tiny_patch4_window7_224"), 3, image_size=52).eval()
    with torch.no_grad():  # 13 x 13 patches, windows of 7
        assert model(torch.zeros(1, 3, 52, 52)).shape == (1, 3)


@pytest.mark.real_data
def test_imagenet_weights_fit_mobilenet(imagenet_weights: Path) -> None:
    options = ModelOptions(backbone="mobilenetv2_100", weights=imagenet_weights, pad_type="same")
    model = create_model(options, 3).eval()
    with torch.no_grad():
        features = model.forward_features(torch.zeros(1, 3, 64, 64))
    assert features.shape == (1, 1280, 2, 2)
