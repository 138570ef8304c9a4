"""From options to a network with the right attention and the right starting weights."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import torch

from osteolens.config import ModelOptions
from osteolens.errors import CheckpointError, ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.families import FAMILIES
from osteolens.runtime import ensure_torchvision


def create_model(options: ModelOptions, num_classes: int, *, starting_weights: bool = True) -> BTXRDClassifier:
    """Build the network that the options describe.

    Parameters
    ----------
    starting_weights
        False leaves out pretrained weights, for a network whose weights come from a checkpoint.

    Raises
    ------
    ConfigError
        The backbone is unknown or does not take the attention that was asked for.
    CheckpointError
        The starting weights cannot be had or do not fit.
    """
    _check_backbone(options.backbone)
    kwargs: dict[str, Any] = {}
    if options.pad_type:
        kwargs["pad_type"] = options.pad_type
    if options.attn_layer is not None:
        kwargs["block_args"] = {"attn_layer": options.attn_layer}
    try:
        model = BTXRDClassifier(
            options.backbone,
            num_classes,
            pretrained=options.pretrained and starting_weights,
            drop_rate=options.dropout,
            **kwargs,
        )
    except TypeError as error:
        asked = [f"model.{name}" for name in ("attn_layer", "pad_type") if getattr(options, name)]
        raise ConfigError(f"{options.backbone} does not take {' or '.join(asked)}; leave it at its default.") from error
    except (OSError, RuntimeError, ValueError) as error:  # what the hub client raises without a network
        raise CheckpointError(
            f"the ImageNet weights of {options.backbone} cannot be fetched from the hub ({type(error).__name__}). "
            "Set model.weights=FILE to a local copy, or model.pretrained=false to start from random weights."
        ) from error
    if options.attn_layer is not None:
        _check_attention(model, options)
    if options.weights is not None and starting_weights:
        load_starting_weights(model, options.weights)
    return model


def count_attention(model: BTXRDClassifier) -> int:
    """Return the number of CBAM modules in a network (each holds a channel and a spatial part)."""
    from timm.layers.cbam import CbamModule

    return sum(isinstance(module, CbamModule) for module in model.modules())


def count_parameters(model: BTXRDClassifier) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def load_starting_weights(model: BTXRDClassifier, path: Path) -> None:
    """Load a local ImageNet state dict into everything but the classifier.

    Attention modules that the file does not know keep their random start; anything else that is missing, left over or
    of another shape is refused.

    Raises
    ------
    CheckpointError
        The file is missing, unsafe, damaged or belongs to another architecture.
    """
    state = read_state_dict(path)
    head = {f"{name}." for name, module in model.network.named_modules() if module is model.network.get_classifier()}
    state = {name: value for name, value in state.items() if not name.startswith(tuple(head))}
    own = model.network.state_dict()
    wrong_shape = [name for name, value in state.items() if name in own and own[name].shape != value.shape]
    missing = [name for name in own if name not in state and not name.startswith(tuple(head)) and ".se." not in name]
    if wrong_shape or missing or set(state) - set(own):
        raise CheckpointError(
            f"{path} does not hold weights of {model.backbone_name}: {len(missing)} tensor(s) missing, "
            f"{len(set(state) - set(own))} unknown, {len(wrong_shape)} of another shape. Check model.backbone."
        )
    model.network.load_state_dict(state, strict=False)


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors from a .safetensors file or from a .pth file in safe mode (nothing is executed)."""
    if not path.is_file():
        raise CheckpointError(f"the weights file {path} does not exist. Check model.weights.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers of untrusted files raise many kinds of error
        raise CheckpointError(f"{path} is damaged or unsafe and was not loaded ({type(error).__name__}).") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f"{path} does not hold a plain table of tensors.")
    return state


def _check_backbone(backbone: str) -> None:
    ensure_torchvision()
    import timm

    if timm.is_model(backbone):
        return
    supported = [name for family in FAMILIES for name in timm.list_models(f"{family.prefix}*")]
    near = difflib.get_close_matches(backbone, supported, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "see timm.list_models()."
    raise ConfigError(f"model.backbone = {backbone!r} is not a timm model; {hint}")


def _check_attention(model: BTXRDClassifier, options: ModelOptions) -> None:
    """Count the attention: timm ignores block arguments in some families."""
    if count_attention(model) == 0:
        raise ConfigError(
            f"model.attn_layer = {options.attn_layer!r} put no attention into {options.backbone}. "
            "It works with the ResNet family."
        )
