from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from osteolens.domain import Preprocessing
from osteolens.explain.cam import class_maps
from osteolens.explain.cell_map import CellMap
from osteolens.models.classifier import BTXRDClassifier


def test_parts_know_where_they_lie():
    maps = CellMap(np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), (0.5, -0.5), (2.5, 2.0))
    part = maps[1, 2]
    np.testing.assert_array_equal(part.values, [[20, 21], [22, 23]])
    assert (part.shift, part.across) == ((0.5, -0.5), (2.5, 2.0))
    np.testing.assert_array_equal(part.enlarged(9, 8), maps.enlarged(9, 8)[1, 2])


def test_a_map_is_zero_only_without_any_evidence():
    assert CellMap(np.zeros((2, 2), np.float32)).is_zero
    assert not CellMap(np.array([[0.0, 1e-6]], np.float32)).is_zero


class Averages(nn.Module):
    """Five halvings that average 3 x 3 pixels, padded as timm pads MobileNetV2; the one feature is the evidence."""

    num_features, num_classes = 1, 1

    def __init__(self, pad_type: str) -> None:
        super().__init__()
        from timm.layers import create_conv2d

        layers = [create_conv2d(1, 1, 3, stride=2, padding=pad_type, bias=False) for _ in range(5)]
        self.bn2, self.classifier = nn.Sequential(*layers), nn.Linear(1, 1)
        for layer in (*layers, self.classifier):
            nn.init.constant_(layer.weight, 1 / layer.weight.numel())

    def get_classifier(self) -> nn.Linear:
        return self.classifier

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        return self.bn2(images)

    def forward_head(self, features: torch.Tensor) -> torch.Tensor:
        return self.classifier(features.mean(dim=(2, 3)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(images))


def map_of_a_spot(pad_type: str, y: int, x: int, side: int = 256) -> CellMap:
    """Return the map of a picture that is black but for a spot of 32 pixels around (y, x)."""
    model = BTXRDClassifier("mobilenetv2_050", 1)
    model.network = Averages(pad_type)
    images = torch.zeros(1, 1, side, side)
    images[..., y - 16 : y + 16, x - 16 : x + 16] = 1
    return class_maps(model, images).maps[0, 0]


def middle(heat: np.ndarray) -> tuple[float, float]:
    return tuple(float((heat.sum(1 - axis) * np.arange(256)).sum() / heat.sum()) for axis in range(2))


@pytest.mark.parametrize(("pad_type", "beside"), [("", 15.5), ("same", -15.5)])
def test_a_spot_is_shown_where_it_is_and_an_even_division_is_half_a_cell_off(pad_type, beside):
    heat = map_of_a_spot(pad_type, 128, 96)
    found = middle(heat.enlarged(256, 256))
    assert found == pytest.approx((127.5, 95.5), abs=1.5)
    evenly = middle(CellMap(heat.values).enlarged(256, 256))
    assert np.subtract(evenly, found) == pytest.approx((beside, beside), abs=1)


def test_a_spot_near_the_far_edge_of_an_input_that_leaves_a_rest():
    """225 pixels make 8 cells over pixels 0 to 224; divided evenly the last would lie over pixel 210."""
    heat = map_of_a_spot("", 224 - 16, 112, side=225)
    peak = np.unravel_index(heat.enlarged(225, 225).argmax(), (225, 225))
    assert abs(peak[0] - 208) <= 16
    assert heat.across == (225 / 32, 225 / 32)
    assert heat.enlarged(225, 225)[192, 96] == pytest.approx(heat.values[6, 3])


def test_on_a_picture_of_another_size_it_lies_where_the_spot_was():
    """The input shows 512 x 256 pixels in its middle columns, at half their size."""
    heat = map_of_a_spot("same", 160, 128)
    record = Preprocessing(size=256, resize="letterbox")
    onto = heat.onto(512, 256, record)
    down, right = (float((onto.sum(1 - axis) * np.arange(onto.shape[axis])).sum() / onto.sum()) for axis in range(2))
    assert (down, right) == pytest.approx((319.5, 127.5), abs=3)
