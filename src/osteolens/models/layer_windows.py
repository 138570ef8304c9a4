"""The windows through which a network's layers look, and the sizes of the maps between them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn

_WINDOWED = ("Conv2d", "MaxPool2d", "AvgPool2d", "BlurPool2d", "PatchMerging")
_SAME = ("Conv2dSame", "MaxPool2dSame", "AvgPool2dSame")  # timm's: padded as TensorFlow does, in the forward pass
_MERGING = ("PatchMerging",)  # Swin's: 2 x 2 tokens to one, [B, H, W, C]

Size = tuple[int, int]


class Window(NamedTuple):
    """What a layer looks at along one axis; `padding` is that of the near side."""

    kernel: int
    stride: int
    dilation: int
    padding: int

    @property
    def centre(self) -> float:
        """Cell of the layer's input over which its output 0 is centred.

        Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
        """
        return self.dilation * (self.kernel - 1) / 2 - self.padding


@contextlib.contextmanager
def noted_sizes(network: nn.Module, note: Callable[[nn.Module, Size, Size], None]) -> Iterator[None]:
    """Call `note` with each layer that looks through a window, and the sizes of the map before and after it."""

    def noted(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        axes = (1, 2) if _is(layer, _MERGING) else (-2, -1)
        before, after = ((int(map_.shape[axes[0]]), int(map_.shape[axes[1]])) for map_ in (inputs[0], output))
        note(layer, before, after)

    handles = [layer.register_forward_hook(noted) for layer in network.modules() if _is(layer, _WINDOWED)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def window_of(layer: nn.Module, axis: int, before: int, after: int) -> Window:
    """Return the window of a layer along one axis, 0 down or 1 right, where its map has `before` and `after` cells."""
    if _is(layer, _MERGING):
        return Window(kernel=2, stride=2, dilation=1, padding=0)
    kernel_name = "filt_size" if _is(layer, ("BlurPool2d",)) else "kernel_size"
    kernel, stride, dilation, padding = (
        _of_axis(getattr(layer, name, 1), axis) for name in (kernel_name, "stride", "dilation", "padding")
    )
    if _is(layer, _SAME):
        padding = max((after - 1) * stride + (kernel - 1) * dilation + 1 - before, 0) // 2
    return Window(kernel, stride, dilation, padding)


def _is(layer: nn.Module, names: tuple[str, ...]) -> bool:
    """Tell by name, since timm's own need not be imported, also of a layer whose class was put before its own."""
    return any(kind.__name__ in names for kind in type(layer).__mro__)


def _of_axis(value: int | Sequence[int], axis: int) -> int:
    return value if isinstance(value, int) else value[axis]
