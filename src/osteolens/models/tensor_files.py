"""Files of tensors, read in safe mode only: nothing in them is executed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from osteolens.errors import CheckpointError

State = dict[str, torch.Tensor]

# Where the state dict lies in other files: an osteolens checkpoint, many trainers, those of DeiT and DINO.
_STATE_KEYS = ("model_state", "state_dict", "model")
# What a network inside another one is called: by DistributedDataParallel, and by our own classifier.
_WRAPPERS = ("module.", "network.")
_REMEDY = "Give a copy in .safetensors, or the state dict alone, saved by torch.save(model.state_dict(), FILE)."


def read_state_dict(path: Path) -> State:
    """Read the tensors of a .safetensors file, a .pth or an osteolens checkpoint.

    A state dict may lie under ``model_state``, ``state_dict`` or ``model``. Where all names begin with ``module.``
    (saved from ``DistributedDataParallel``) or ``network.`` (our own classifier), this is left out.

    Raises
    ------
    CheckpointError
        The file is missing, unsafe or damaged, holds something else, or a number in it is not finite.
    """
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Set model.weights to the file of weights in it.")
    if not path.is_file():
        raise CheckpointError(f"the weights file {path} does not exist. Check model.weights.")
    content = load_safely(path, _REMEDY)
    state = content
    if isinstance(content, dict):
        state = next((content[key] for key in _STATE_KEYS if isinstance(content.get(key), dict)), content)
    if not _is_state(state):
        found = f" It holds {', '.join(map(str, [*state][:5]))}." if isinstance(state, dict) else ""
        raise CheckpointError(f"{path} does not hold a plain table of tensors.{found} {_REMEDY}")
    for name, value in state.items():
        if value.is_floating_point() and not value.to(torch.float64).isfinite().all():
            raise CheckpointError(f"{path}: the tensor {name} holds NaN or infinity. Take other weights.")
    return _unwrapped(state)


def load_safely(path: Path, remedy: str) -> Any:
    """Return what a file holds, on the CPU.

    Parameters
    ----------
    remedy
        A sentence that tells what to do about a file that is refused.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds more than plain values and tensors.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's hints are for those who wrote the file
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers of untrusted files raise many kinds of error
        raise CheckpointError(
            f"{path} is damaged or unsafe and was not loaded ({type(error).__name__}). {remedy}"
        ) from error


def _is_state(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    )


def _unwrapped(state: State) -> State:
    for prefix in _WRAPPERS:
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state
