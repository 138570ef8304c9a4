from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osteolens.config import load_config
from osteolens.inference import torch_network
from osteolens.models.checkpoint import Checkpoint, save_checkpoint
from osteolens.models.factory import create_model


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    config = load_config(None, ["model.backbone=mobilenetv2_050", "data.image_size=32"])
    state = create_model(config.model, 3).state_dict()
    made = Checkpoint.of(config, state, epoch=1, metrics={}, class_weights=[1.0] * 3, provenance={})
    save_checkpoint(tmp_path / "best.pt", made)
    return tmp_path / "best.pt"


@pytest.mark.parametrize(("device", "kept"), [("cpu", 1), ("meta", 0)])
def test_freed_memory_is_kept_on_a_cpu(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, device: str, kept: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(torch_network, "keep_freed_memory", lambda: calls.append(None))
    monkeypatch.setattr(torch_network, "get_device", lambda _: torch.device(device))
    torch_network.TorchNetwork.from_checkpoint(checkpoint)
    assert len(calls) == kept
