from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from osteolens.config import ModelOptions
from osteolens.errors import CheckpointError, ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model, load_starting_weights


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


def test_a_misspelt_backbone_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean efficientnet_b0"):
        create_model(ModelOptions(backbone="eficientnet_b0"), 3)


def test_an_unsupported_family_names_the_supported_ones() -> None:
    with pytest.raises(ConfigError, match=r"no supported family.*efficientnet.*resnet"):
        create_model(ModelOptions(backbone="vgg11"), 3)


def test_attention_that_a_family_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"efficientnet_b0 does not take model\.attn_layer"):
        create_model(ModelOptions(backbone="efficientnet_b0", attn_layer="cbam"), 3)


def test_without_a_network_both_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match=r"model\.weights=FILE .* model\.pretrained=false"):
        create_model(ModelOptions(backbone="resnet18", pretrained=True), 3)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_local_weights_fill_everything_but_the_classifier(tmp_path: Path, suffix: str) -> None:
    source = BTXRDClassifier("mobilenetv2_050", num_classes=1000)
    path = tmp_path / f"weights{suffix}"
    save_file(source.network.state_dict(), path) if suffix == ".safetensors" else torch.save(
        source.network.state_dict(), path
    )
    model = create_model(ModelOptions(backbone="mobilenetv2_050", weights=path), 3)
    own, given = model.network.state_dict(), source.network.state_dict()
    same = [name for name in own if own[name].shape == given[name].shape and torch.equal(own[name], given[name])]
    assert set(own) - set(same) == {"classifier.weight", "classifier.bias"}


def test_attention_keeps_its_random_start(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    source = BTXRDClassifier("resnet18")
    save_file(source.network.state_dict(), path)
    model = create_model(ModelOptions(backbone="resnet18", attn_layer="cbam", weights=path), 3)
    assert torch.equal(model.network.conv1.weight, source.network.conv1.weight)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(BTXRDClassifier("resnet18").network.state_dict(), path)
    with pytest.raises(CheckpointError, match="does not hold weights of mobilenetv2_050"):
        create_model(ModelOptions(backbone="mobilenetv2_050", weights=path), 3)


def test_weights_with_code_are_refused_and_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.pth", tmp_path / "ran"
    path.write_bytes(pickle.dumps({"conv1.weight": Payload(target)}))
    with pytest.raises(CheckpointError, match="damaged or unsafe"):
        load_starting_weights(BTXRDClassifier("resnet18"), path)
    assert not target.exists()


def test_missing_and_truncated_weights_are_refused(tmp_path: Path) -> None:
    model = BTXRDClassifier("mobilenetv2_050")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_starting_weights(model, tmp_path / "none.safetensors")
    whole = tmp_path / "whole.safetensors"
    save_file(model.network.state_dict(), whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged or unsafe"):
        load_starting_weights(model, cut)


@pytest.mark.real_data
def test_imagenet_weights_fit_mobilenet(imagenet_weights: Path) -> None:
    options = ModelOptions(backbone="mobilenetv2_100", weights=imagenet_weights, pad_type="same")
    model = create_model(options, 3).eval()
    with torch.no_grad():
        features = model.forward_features(torch.zeros(1, 3, 64, 64))
    assert features.shape == (1, 1280, 2, 2)
