from __future__ import annotations

import pytest
import torch

from osteolens.training.state import weight_average


def test_average_follows_the_weights_exponentially() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    average = weight_average(model, 0.75)
    assert average is not None
    for value in (2.0, 4.0):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    # the first update takes the weights as they are (2); then .75 * 2 + .25 * 4
    assert average.module.weight.item() == pytest.approx(2.5)


def test_a_decay_of_zero_is_off() -> None:
    assert weight_average(torch.nn.Linear(1, 1), 0.0) is None
