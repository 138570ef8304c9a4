from __future__ import annotations

import pytest
import torch
from torch import nn

from osteolens.config import ModelOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.receptive_field import CellCentres, followed_centres


def centres_of(network: nn.Module, *shape: int, channels: int = 1) -> CellCentres:
    with torch.no_grad(), followed_centres(network.eval(), images := torch.zeros(1, channels, *shape)) as centres:
        network(images)
    return centres


def conv(kernel: int, stride: int, padding: int = 0, **options) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride, padding, **options)


@pytest.mark.parametrize(
    ("layers", "side", "size", "stride", "first"),
    [
        ([conv(3, 2, 1)], 8, 4, 2, 0.0),
        ([conv(3, 2)], 9, 4, 2, 1.0),  # without padding the first window covers pixels 0 to 2
        ([conv(2, 2)], 8, 4, 2, 0.5),
        ([conv(4, 4)], 8, 2, 4, 1.5),
        ([conv(16, 16)], 64, 4, 16, 7.5),
        ([conv(7, 2, 3), nn.MaxPool2d(3, 2, 1)], 32, 8, 4, 0.0),
        ([conv(7, 2, 3), nn.MaxPool2d(2, 2)], 32, 8, 4, 1.0),  # over pixels 0 and 2
        ([conv(2, 2), nn.AvgPool2d(2)], 8, 2, 4, 1.5),
        ([conv(3, 1), conv(2, 2)], 10, 4, 2, 1.5),  # a border is lost, then two cells over pixels 1 and 2
        ([conv(3, 2, 2, dilation=2)], 8, 4, 2, 0.0),  # pixels -2, 0 and 2
        ([conv(3, 2, 1, dilation=2)], 9, 4, 2, 1.0),  # pixels -1, 1 and 3
        ([conv(3, 1, 1), conv(3, 2, 1), conv(1, 1)], 8, 4, 2, 0.0),
    ],
)
def test_small_networks_worked_out_by_hand(layers, side, size, stride, first):
    centres = centres_of(nn.Sequential(*layers), side, side)
    assert centres.size == (size, size)
    assert centres.stride == [stride, stride]
    assert centres.first == [first, first]
    assert centres.across == (side / stride, side / stride)


def test_each_axis_has_its_own_centres():
    layers = nn.Conv2d(1, 1, (3, 2), (2, 4), (1, 0))
    centres = centres_of(layers, 10, 13)
    assert centres.size == (5, 3)
    assert centres.stride == [2, 4]
    assert centres.first == [0.0, 0.5]
    assert centres.across == (5, 3.25)
    assert centres.shift == ((0 - 0.5) / 2, (0.5 - 1.5) / 4)


def test_a_shortcut_beside_the_halving_does_not_count_twice():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.long, self.short = conv(3, 2, 1), conv(1, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.long(images) + self.short(images)

    assert centres_of(nn.Sequential(Block(), Block()), 16, 16).stride == [4, 4]


@pytest.mark.parametrize(
    ("backbone", "options", "side", "expected"),
    [
        # Five halvings with a kernel of 3 and a padding of 1: every first cell lies over pixel 0.
        ("mobilenetv2_050", {}, 96, (3, 32, 0)),
        ("mobilenetv2_050", {}, 100, (4, 32, 0)),
        ("resnet18", {}, 96, (3, 32, 0)),
        ("regnetx_002", {}, 96, (3, 32, 0)),
        ("efficientnet_b0", {}, 96, (3, 32, 0)),  # a kernel of 5 with a padding of 2 lies alike
        # TensorFlow pads an even map of kernel 3 only behind: 1 + 2 + 4 + 8 + 16.
        ("mobilenetv2_050", {"pad_type": "same"}, 96, (3, 32, 31)),
        ("tf_efficientnet_b0", {}, 96, (3, 32, 31)),
        # An odd map on both sides: 97, 49, 25, 13 and 7 are all odd; 100 is even, 50 too, 25, 13 and 7 are odd.
        ("mobilenetv2_050", {"pad_type": "same"}, 97, (4, 32, 0)),
        ("mobilenetv2_050", {"pad_type": "same"}, 100, (4, 32, 1 + 2)),
        # Stem over pixel 0 in steps of 4, then three means of 2 x 2: 4 / 2 + 8 / 2 + 16 / 2.
        ("densenet121", {}, 96, (3, 32, 14)),
        # Patches of 4, then three of 2 x 2: even divisions, in the middle of 32 pixels.
        ("convnext_atto", {}, 96, (3, 32, 15.5)),
        ("swin_tiny_patch4_window7_224", {"img_size": 96}, 96, (3, 32, 15.5)),
        ("vit_tiny_patch16_224", {"img_size": 96}, 96, (6, 16, 7.5)),
        ("vit_small_patch14_reg4_dinov2", {"img_size": 98}, 98, (7, 14, 6.5)),
        ("resnetblur50", {}, 64, (2, 32, 0)),  # blurred with a kernel of 3 where it halves
    ],
)
def test_networks_of_timm(backbone, options, side, expected):
    size, stride, first = expected
    model = BTXRDClassifier(backbone, 3, **options)
    centres = centres_of(model, side, side, channels=3)
    assert centres.size == (size, size)
    assert centres.stride == [stride, stride]
    assert centres.first == [first, first]


def test_layers_kept_in_float32_are_followed_like_those_they_were():
    """`create_model` puts another class before that of strided depthwise convolutions."""
    options = ModelOptions(backbone="mobilenetv2_050", pad_type="same")
    assert centres_of(create_model(options, 3), 96, 96, channels=3).first == [31, 31]


def averaging(model: BTXRDClassifier) -> BTXRDClassifier:
    """Let every convolution average, batch norms pass on what they get, and channels not be weighed."""
    for name, module in model.network.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.0 if ".se." in name else 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model.eval()


@pytest.mark.parametrize(
    ("backbone", "options"),
    [
        ("mobilenetv2_050", {}),
        ("mobilenetv2_050", {"pad_type": "same"}),
        ("efficientnet_b0", {}),
        ("regnetx_002", {}),
    ],
)
def test_what_a_cell_depends_on_is_centred_where_it_is_said_to_lie(backbone, options):
    """Seen from autograd: the centre of gravity of the gradient of one cell, far from the borders."""
    model = averaging(BTXRDClassifier(backbone, 3, **options))
    images = torch.full((1, 3, 448, 384), 1e-4, requires_grad=True)  # so little that no ReLU6 is full
    with followed_centres(model, images) as centres:
        features = model.forward_features(images)
    row, column = 7, 5
    features[0, :, row, column].sum().backward()
    weight = images.grad[0].sum(0).double()
    assert weight.min() >= 0
    for axis, cell in enumerate((row, column)):
        profile = weight.sum(1 - axis) / weight.sum()
        middle = float((profile * torch.arange(len(profile))).sum())
        assert middle == pytest.approx(centres.first[axis] + centres.stride[axis] * cell, abs=0.5)


def test_hooks_are_released_also_after_an_error():
    network = nn.Sequential(conv(3, 2, 1), conv(3, 2, 1))
    with pytest.raises(RuntimeError), followed_centres(network, torch.zeros(1, 2, 8, 8)):
        network(torch.zeros(1, 2, 8, 8))  # one channel too many
    assert not any(layer._forward_hooks for layer in network)
