from __future__ import annotations

import numpy as np
import pytest
import torch
from mps import OnMPS

from osteolens.domain import Preprocessing
from osteolens.models.forward import class_probabilities, softmax

RECORD = Preprocessing(16, channels=1, mean=(0.0,), std=(1.0,))


class LeftBrightness(torch.nn.Module):
    """Two logits: the mean of the left half of the picture, and 0."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        left = images[:, 0, :, :8].mean(dim=(1, 2))
        return torch.stack([left, torch.zeros_like(left)], dim=1)


def _half_white() -> np.ndarray:
    picture = np.zeros((16, 16), np.uint8)
    picture[:, :8] = 255
    return picture


def test_softmax_of_the_logits() -> None:
    pictures = np.stack([_half_white(), np.zeros((16, 16), np.uint8), _half_white()])
    found = class_probabilities(LeftBrightness(), pictures, RECORD, batch_size=2)
    sigmoid = 1 / (1 + np.exp(-1))
    assert found == pytest.approx(np.array([[sigmoid, 1 - sigmoid], [0.5, 0.5], [sigmoid, 1 - sigmoid]]), abs=1e-6)


def test_logits_are_on_the_cpu_before_they_become_float64() -> None:
    logits = torch.tensor([[0.1, -3.7, 2.2], [90.0, 0.0, -90.0]])
    found = softmax(logits.as_subclass(OnMPS))  # type: ignore[arg-type]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, torch.softmax(logits, 1, torch.float64).numpy())  # to the bit
    np.testing.assert_array_equal(softmax(logits.bfloat16()), softmax(logits.bfloat16().float()))


@pytest.mark.parametrize("flip", [False, True])
def test_a_network_on_a_device_without_float64_is_served(flip: bool) -> None:
    class Elsewhere(LeftBrightness):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images).as_subclass(OnMPS)  # type: ignore[arg-type]

    pictures = _half_white()[None]
    np.testing.assert_array_equal(
        class_probabilities(Elsewhere(), pictures, RECORD, flip_averaging=flip),
        class_probabilities(LeftBrightness(), pictures, RECORD, flip_averaging=flip),
    )


def test_flip_averaging_means_over_the_mirror_image() -> None:
    found = class_probabilities(LeftBrightness(), _half_white()[None], RECORD, flip_averaging=True)
    assert found[0, 0] == pytest.approx((1 / (1 + np.exp(-1)) + 0.5) / 2, abs=1e-6)


def test_the_mode_of_the_network_is_kept() -> None:
    model = LeftBrightness().train()
    class_probabilities(model, _half_white()[None], RECORD)
    assert model.training
