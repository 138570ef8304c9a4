from __future__ import annotations

import pytest
import torch
from torch import nn

from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.layer_windows import Size, noted_sizes, window_of


@pytest.mark.parametrize(
    ("layer", "before", "after", "centre"),
    [
        (nn.Conv2d(1, 1, 3, 2, 1), 8, 4, 0),
        (nn.Conv2d(1, 1, 3, 2), 9, 4, 1),  # without padding the first window covers cells 0 to 2
        (nn.Conv2d(1, 1, 2, 2), 8, 4, 0.5),
        (nn.Conv2d(1, 1, 7, 2, 3), 8, 4, 0),
        (nn.Conv2d(1, 1, 3, 2, 2, dilation=2), 8, 4, 0),  # cells -2, 0 and 2
        (nn.MaxPool2d(2), 8, 4, 0.5),
        (nn.AvgPool2d(3, 2, 1), 8, 4, 0),
    ],
)
def test_centres_worked_out_by_hand(layer, before, after, centre):
    assert window_of(layer, 0, before, after).centre == centre


@pytest.mark.parametrize(("before", "after", "centre"), [(8, 4, 1), (7, 4, 0)])
def test_padding_as_tensorflow_does_depends_on_the_size(before, after, centre):
    """An even map of kernel 3 is padded only behind, an odd one on both sides."""
    from timm.layers import create_conv2d

    assert window_of(create_conv2d(1, 1, 3, stride=2, padding="same"), 1, before, after).centre == centre


def test_each_axis_has_its_own_window():
    layer = nn.Conv2d(1, 1, (3, 2), (2, 4), (1, 0))
    assert [window_of(layer, axis, 8, 4) for axis in range(2)] == [(3, 2, 1, 1), (2, 4, 1, 0)]


def seen(network: nn.Module, *shape: int) -> list[tuple[Size, Size]]:
    found: list[tuple[Size, Size]] = []
    with torch.no_grad(), noted_sizes(network.eval(), lambda _, before, after: found.append((before, after))):
        network(torch.zeros(shape))
    return found


def test_sizes_are_told_in_the_order_of_the_layers():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.MaxPool2d((1, 2)))
    assert seen(network, 1, 1, 10, 16) == [((10, 16), (5, 8)), ((5, 8), (5, 4))]


def test_tokens_that_are_merged_change_the_size():
    model = BTXRDClassifier("swin_tiny_patch4_window7_224", 3, img_size=96)
    halvings = [sizes for sizes in seen(model, 1, 3, 96, 96) if sizes[0] != sizes[1]]
    assert halvings == [((96, 96), (24, 24)), ((24, 24), (12, 12)), ((12, 12), (6, 6)), ((6, 6), (3, 3))]


def test_hooks_are_released_also_after_an_error():
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    with pytest.raises(RuntimeError), noted_sizes(network, lambda *_: None):
        network(torch.zeros(1, 2, 8, 8))  # one channel too many
    assert not any(layer._forward_hooks for layer in network)
