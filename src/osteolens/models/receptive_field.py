"""Where in the input the cells of a feature map look: the centres of their receptive fields.

A layer with kernel k, dilation d, stride s and p pixels of padding on its near side puts the centre of output i over
input ``s i + d (k - 1) / 2 - p`` (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019, doi 10.23915/distill.00021). Cells of a grid that divides the input evenly would lie over
``s i + (s - 1) / 2`` instead. Five halvings with a kernel of 3 and padding on both sides move a map of stride 32 by
15.5 pixels towards the origin, with the padding of TensorFlow (``pad_type: same``, even input) as far the other way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
_SAME = ("Conv2dSame", "MaxPool2dSame", "AvgPool2dSame")  # timm's: padded as TensorFlow does, in the forward pass


@dataclass(slots=True)
class CellCentres:
    """Centres of the cells of a feature map, as its forward pass laid them.

    Attributes
    ----------
    size
        Height and width of the map, at first those of the input.
    stride
        Pixels of the input from one cell to the next, per axis.
    first
        Pixel of the input, counted from 0 at the centre of the first, over which cell 0 lies, per axis.
    """

    size: tuple[int, int]
    stride: list[float] = field(default_factory=lambda: [1.0, 1.0])
    first: list[float] = field(default_factory=lambda: [0.0, 0.0])

    @property
    def shift(self) -> tuple[float, float]:
        """How far, in cells, the map lies down and to the right of one whose cells divide the input evenly."""
        down, right = (
            (first - (stride - 1) / 2) / stride for first, stride in zip(self.first, self.stride, strict=True)
        )
        return down, right

    def follow(self, layer: nn.Module, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Take a layer into account if it makes the map that is followed smaller; side branches do so a second time."""
        if before != self.size or after == before:
            return
        for axis in range(2):
            kernel, stride, dilation, padding = (
                _of_axis(getattr(layer, name, 1), axis) for name in ("kernel_size", "stride", "dilation", "padding")
            )
            if type(layer).__name__ in _SAME:
                padding = max((after[axis] - 1) * stride + (kernel - 1) * dilation + 1 - before[axis], 0) // 2
            self.first[axis] += self.stride[axis] * (dilation * (kernel - 1) / 2 - padding)
            self.stride[axis] *= stride
        self.size = after


@contextlib.contextmanager
def followed_centres(network: nn.Module, images: torch.Tensor) -> Iterator[CellCentres]:
    """Follow one forward pass of `images` [B, C, H, W] through `network`; the centres are right when it is over.

    Layers that do not change the size of the map are taken to be centred, as all with odd kernels are.
    """
    centres = CellCentres((int(images.shape[-2]), int(images.shape[-1])))

    def note(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        before, after = inputs[0].shape[-2:], output.shape[-2:]
        centres.follow(layer, (int(before[0]), int(before[1])), (int(after[0]), int(after[1])))

    handles = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, _WINDOWED)]
    try:
        yield centres
    finally:
        for handle in handles:
            handle.remove()


def _of_axis(value: int | tuple[int, ...], axis: int) -> int:
    return value if isinstance(value, int) else value[axis]
