"""Layers that mixed precision makes slower on a CPU, kept in float32."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn


def keep_strided_depthwise_in_float32(network: nn.Module) -> int:
    """Let the strided depthwise convolutions of a network compute in float32 under autocast on a CPU.

    The backward pass of such a convolution in bfloat16 is 2 to 20 times slower than in float32 with oneDNN, the library
    that torch calls on a CPU; the four of MobileNetV2 took 36% of a training step at 128 pixels and batch 16, and with
    them in float32 the step went from 51 to 73 images per second on one thread (``benchmarks/training_step.py``
    repeats the measurement). Without autocast, and on an accelerator, nothing changes.

    The class of the layers is exchanged, not the layers: names in the state dict, copies and weights stay as they are.

    Returns
    -------
    int
        Number of layers kept.
    """
    kept = [module for module in network.modules() if _is_strided_depthwise(module)]
    for module in kept:
        kind: Any = type(module)  # as Any: mypy does not see that the class of a module can be a key
        module.__class__ = _in_float32(kind)
    return len(kept)


class _InFloat32(nn.Conv2d):
    """Put before the class of a convolution; answers in autocast's precision, as the convolution itself would."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  the name in torch
        kind = input.device.type
        if kind != "cpu" or not torch.is_autocast_enabled(kind):
            return super().forward(input)
        with torch.autocast(kind, enabled=False):
            return super().forward(input.float()).to(torch.get_autocast_dtype(kind))


def _is_strided_depthwise(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and not isinstance(module, _InFloat32)
        and module.groups == module.in_channels > 1
        and max(module.stride) > 1
    )


@functools.cache
def _in_float32(kind: type[nn.Conv2d]) -> Any:
    return type(f"{kind.__name__}InFloat32", (_InFloat32, kind), {})
