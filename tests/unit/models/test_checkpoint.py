from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
import torch

from osteolens.config import load_config
from osteolens.errors import CheckpointError
from osteolens.models.checkpoint import Checkpoint, checkpoint_path, load_checkpoint, restore_model, save_checkpoint
from osteolens.models.factory import create_model


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    config = load_config(None, ["model.backbone=mobilenetv2_050", "data.image_size=32"])
    torch.manual_seed(1)
    return Checkpoint.of(
        config,
        create_model(config.model, 3).state_dict(),
        epoch=5,
        metrics={"val_loss": 0.25},
        class_weights=[0.5, 1.0, 2.0],
        provenance={"run": "abc"},
    )


def test_round_trip(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.pt", checkpoint)
    loaded = load_checkpoint(path)
    for name in ("config", "class_names", "preprocessing", "epoch", "metrics", "class_weights", "provenance"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    model, record = restore_model(loaded, path)
    assert not model.training
    assert record.size == 32
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in checkpoint.model_state.items())


def test_names_carry_experiment_and_split() -> None:
    config = load_config(None, ["experiment=e1", "paths.checkpoints_dir=c"])
    assert checkpoint_path(config, "case", "best") == Path("c/e1_case_best.pt")


def test_a_file_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(CheckpointError, match="damaged or unsafe"):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_truncated_foreign_and_missing_files_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    whole = save_checkpoint(tmp_path / "whole.pt", checkpoint).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"cut\.pt is damaged or unsafe .* or train again"):
        load_checkpoint(tmp_path / "cut.pt")
    torch.save({"state_dict": {}}, tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match="not an osteolens checkpoint"):
        load_checkpoint(tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "none.pt")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ("a", "b")},
        {"preprocessing": {"size": 32}},
        {"config": {"model": {"backbone": "resnet18"}}},
        {"config": {"model": {"backbne": "resnet18"}}},
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_refused(checkpoint: Checkpoint, change: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="cannot be rebuilt"):
        restore_model(dataclasses.replace(checkpoint, **change), Path("odd.pt"))
