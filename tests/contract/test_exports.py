"""The exported graph against torch, on every supported family, at batch sizes other than the traced one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from exported import all_maps

from osteolens.config import InferenceOptions, load_config
from osteolens.inference.export import export
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.factory import create_model
from osteolens.models.families import FAMILIES

pytestmark = pytest.mark.slow

SIDE = 64
BY_GRADIENT = ("mobilenetv3", "tf_mobilenetv3", "convnext", "vit_")


@pytest.mark.parametrize("backbone", [family.example for family in FAMILIES])
def test_every_family_is_exported(backbone: str, tmp_path: Path) -> None:
    options = [f"model.backbone={backbone}", f"data.image_size={SIDE}", "evaluation.flip_averaging=true"]
    config = load_config(None, options)
    torch.manual_seed(0)
    model = create_model(config.model, 3, image_size=SIDE, starting_weights=False)
    with torch.no_grad():
        model.train()(torch.randn(4, 3, SIDE, SIDE))
        model.network.get_classifier().weight.normal_(std=0.5)
    network = TorchNetwork(model.eval(), config.preprocessing(), config.class_names, config, "0" * 64, True)
    record = export(network, tmp_path / "model.onnx")
    exported = OnnxNetwork.from_file(tmp_path / "model.onnx", InferenceOptions(threads=1))
    shown = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
    expected = network.probabilities(shown)
    for number in (1, 3):
        np.testing.assert_allclose(exported.probabilities(shown[:number]), expected[:number], atol=1e-3)
    assert record.has_maps != backbone.startswith(BY_GRADIENT)
    if record.has_maps:
        np.testing.assert_allclose(all_maps(exported, shown), all_maps(network, shown), atol=1e-3)
