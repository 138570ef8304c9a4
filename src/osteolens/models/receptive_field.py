"""Where in the input the cells of a feature map look: the centres of their receptive fields.

A layer with kernel k, dilation d, stride s and p pixels of padding on its near side puts the centre of output i over
input ``s i + d (k - 1) / 2 - p`` (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019, doi 10.23915/distill.00021). Cells of a grid that divides the input evenly would lie over
``s i + (s - 1) / 2`` instead. Five halvings with a kernel of 3 and padding on both sides move a map of stride 32 by
15.5 pixels towards the origin, with the padding of TensorFlow (``pad_type: same``, even input) as far the other way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
        """Cell of the layer's input over which its output 0 is centred."""
        return self.dilation * (self.kernel - 1) / 2 - self.padding


@dataclass(slots=True)
class CellCentres:
    """Centres of the cells of a feature map, as its forward pass laid them.

    Attributes
    ----------
    input_size
        Height and width of the input.
    size
        Height and width of the map.
    stride
        Pixels of the input from one cell to the next, per axis.
    first
        Pixel of the input, counted from 0 at the centre of the first, over which cell 0 lies, per axis.
    """

    input_size: Size
    size: Size = field(init=False)
    stride: list[float] = field(default_factory=lambda: [1.0, 1.0])
    first: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def __post_init__(self) -> None:
        self.size = self.input_size

    @property
    def shift(self) -> tuple[float, float]:
        """How far, in cells, the map lies down and to the right of cells of its stride that begin at the edge."""
        down, right = (
            (first - (stride - 1) / 2) / stride for first, stride in zip(self.first, self.stride, strict=True)
        )
        return down, right

    @property
    def across(self) -> tuple[float, float]:
        """How many cells fit into the height and the width of the input; not whole where it leaves a rest."""
        return self.input_size[0] / self.stride[0], self.input_size[1] / self.stride[1]

    def follow(self, layer: nn.Module, before: Size, after: Size) -> None:
        """Take a layer into account if it makes the map that is followed smaller; side branches do so a second time."""
        if before != self.size or after == before:
            return
        for axis in range(2):
            window = window_of(layer, axis, before[axis], after[axis])
            self.first[axis] += self.stride[axis] * window.centre
            self.stride[axis] *= window.stride
        self.size = after


@contextlib.contextmanager
def followed_centres(network: nn.Module, images: torch.Tensor) -> Iterator[CellCentres]:
    """Follow one forward pass of `images` [B, C, H, W] through `network`; the centres are right when it is over.

    Layers that do not change the size of the map are taken to be centred, as all with odd kernels are.
    """
    centres = CellCentres((int(images.shape[-2]), int(images.shape[-1])))
    with noted_sizes(network, centres.follow):
        yield centres


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
