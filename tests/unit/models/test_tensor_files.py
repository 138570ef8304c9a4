from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from osteolens.errors import CheckpointError
from osteolens.models.tensor_files import load_safely, read_state_dict

STATE = {"conv.weight": torch.arange(6.0).reshape(2, 3), "bn.num_batches_tracked": torch.tensor(4)}


def read(path: Path, content: Any) -> dict[str, torch.Tensor]:
    torch.save(content, path)
    return read_state_dict(path)


def refusal(path: Path, content: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(path, content)
    return str(caught.value)


@pytest.mark.parametrize("prefix", ["", "module.", "network.", "module.network."])
@pytest.mark.parametrize("key", [None, "model", "state_dict", "model_state"])
def test_a_state_dict_is_found_in_the_usual_layouts(tmp_path: Path, key: str | None, prefix: str) -> None:
    state = {f"{prefix}{name}": value for name, value in STATE.items()}
    found = read(tmp_path / "w.pth", state if key is None else {"epoch": 3, "optimizer": {}, key: state})
    assert list(found) == list(STATE)
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


def test_a_prefix_that_only_some_names_bear_stays(tmp_path: Path) -> None:
    state = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    save_file(state, tmp_path / "w.safetensors")
    assert set(read_state_dict(tmp_path / "w.safetensors")) == set(state)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({1: torch.zeros(2)}, "It holds 1."),
        ({"model": {2: torch.zeros(2)}}, "plain table of tensors. It holds 2."),
        ({"student": STATE, "teacher": STATE}, "It holds student, teacher."),
        ([torch.zeros(2)], "plain table of tensors. Give"),
    ],
)
def test_something_else_is_refused_with_what_it_holds(tmp_path: Path, content: Any, found: str) -> None:
    told = refusal(tmp_path / "odd.pth", content)
    assert found in told
    assert "torch.save(model.state_dict(), FILE)" in told


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    bad = {**STATE, "head.bias": torch.tensor([0.0, value], dtype=torch.bfloat16)}
    assert "w.pth: the tensor head.bias holds NaN or infinity" in refusal(tmp_path / "w.pth", bad)


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is a folder"):
        read_state_dict(tmp_path)


def test_a_refused_file_is_told_with_a_way_out_and_without_warnings_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "whole_model.pth"
    with path.open("wb") as stream:  # torch warns of a protocol that it did not write
        pickle.dump({"model": Path("x")}, stream, protocol=4)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with pytest.raises(
            CheckpointError, match=r"UnpicklingError\).*\.safetensors, or the state dict alone, saved by"
        ):
            read_state_dict(path)
        with pytest.raises(CheckpointError, match=r"not loaded \(UnpicklingError\)\. Train again\."):
            load_safely(path, "Train again.")
    assert not shown
