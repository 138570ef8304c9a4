"""The last features on a grid twice as fine, from the same weights.

The layers that make the last halving (a convolution, often with one in the shortcut beside it) answer at every place
instead of every second one. Their answers are dealt into four grids, each shifted by one place; the four go through the
rest of the network like pictures of their own, and what comes out is put together again (shift-and-stitch: Sermanet et
al., "OverFeat", ICLR 2014; Long, Shelhamer & Darrell, "Fully Convolutional Networks", CVPR 2015). For convolutions that
equals dilating them by 2. It is exact also where a block weighs its channels by their mean over the map, since each
grid has its own. One of the four is the grid of the unchanged network, and its answer the unchanged one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from osteolens.errors import ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.layer_windows import Size, noted_sizes, window_of

_PROBE = 64  # pixels: enough for a stride of 32
_GRIDS = ((0, 0), (0, 1), (1, 0), (1, 1))  # down and right


@dataclass(frozen=True, slots=True, eq=False)
class DoubledFeatures:
    """Last features of a batch.

    Attributes
    ----------
    fine
        [B, C, 2 h, 2 w]
    own
        [B, C, h, w] of the unchanged network, every second cell of `fine` along each axis.
    shift
        Cells of `fine` by which it lies down and to the right of cells that divide the input evenly, where those of
        the unchanged network do: half a cell, to one side or the other.
    """

    fine: torch.Tensor
    own: torch.Tensor
    shift: tuple[float, float]


def doubled_features(model: BTXRDClassifier, images: torch.Tensor) -> DoubledFeatures:
    """Return the last features of `images` [B, C, H, W] at twice the network's resolution.

    The network must be in evaluation mode, and nothing else may use it meanwhile.

    Raises
    ------
    ConfigError
        The network cuts patches, its last halving is not made by convolutions with an odd kernel alone, or it is one of
        an odd number of cells.
    """
    if model.family.cuts_patches:
        raise _refusal(model, "it cuts its input into patches")
    layers = _halving_layers(model, images)
    convolutions = [layer for layer, *_ in layers if isinstance(layer, nn.Conv2d)]
    own = _own_grid(model, layers)
    with _at_every_place(model, convolutions):
        dealt = model.forward_features(images)
    _, channels, height, width = dealt.shape
    grids = dealt.reshape(len(_GRIDS), len(images), channels, height, width)
    fine = dealt.new_empty((len(images), channels, 2 * height, 2 * width))
    for (down, right), grid in zip(_GRIDS, grids, strict=True):
        fine[..., down::2, right::2] = grid
    return DoubledFeatures(fine, grids[_GRIDS.index(own)], (0.5 - own[0], 0.5 - own[1]))


def _halving_layers(model: BTXRDClassifier, images: torch.Tensor) -> list[tuple[nn.Module, Size, Size]]:
    """Return the layers of the last halving and the sizes before and after it, seen in an empty picture."""
    seen: list[tuple[nn.Module, Size, Size]] = []

    def note(layer: nn.Module, before: Size, after: Size) -> None:
        if after != before:
            seen.append((layer, before, after))

    with noted_sizes(model, note):
        model.forward_features(images.new_zeros(1, images.shape[1], _PROBE, _PROBE))
    return [entry for entry in seen if entry[1:] == seen[-1][1:]]


def _own_grid(model: BTXRDClassifier, layers: Sequence[tuple[nn.Module, Size, Size]]) -> tuple[int, int]:
    """Return which of the grids is that of the unchanged network."""
    found = set()
    for layer, before, after in layers:
        windows = [window_of(layer, axis, before[axis], after[axis]) for axis in range(2)]
        odd = all(window.kernel % 2 == 1 and window.stride == 2 for window in windows)
        found.add(tuple(int(window.centre) for window in windows) if odd and isinstance(layer, nn.Conv2d) else None)
    if len(found) == 1 and (own := found.pop()) in _GRIDS:
        return own
    raise _refusal(model, "its last halving is not made by convolutions with an odd kernel alone")


@contextlib.contextmanager
def _at_every_place(model: BTXRDClassifier, layers: Sequence[nn.Conv2d]) -> Iterator[None]:
    def deal(_: nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        if output.shape[-2] % 2 or output.shape[-1] % 2:
            cells = " x ".join(str(length) for length in output.shape[-2:])
            raise _refusal(model, f"data.image_size leads to {cells} cells before the last halving, which must be even")
        return torch.cat([output[..., down::2, right::2] for down, right in _GRIDS])

    strides = [layer.stride for layer in layers]
    handles = [layer.register_forward_hook(deal) for layer in layers]
    try:
        for layer in layers:
            layer.stride = (1, 1)
        yield
    finally:
        for layer, stride, handle in zip(layers, strides, handles, strict=True):
            layer.stride = stride
            handle.remove()


def _refusal(model: BTXRDClassifier, why: str) -> ConfigError:
    return ConfigError(f"explanation.resolution = double is not possible for {model.backbone_name}: {why}. Use native.")
