from __future__ import annotations

import pytest
import torch

from osteolens.training.averaging import weight_average


def _averaged(decay: float, values: list[float]) -> float:
    model = torch.nn.Linear(1, 1, bias=False)
    average = weight_average(model, decay)
    assert average is not None
    for value in values:
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    return float(average.module.weight.item())


def test_the_decay_rises_from_two_elevenths() -> None:
    # taken as it is (2); then 2/11 of it and 9/11 of 13; then 3/12 of that and 9/12 of 1
    assert _averaged(0.99, [2.0]) == 2
    assert _averaged(0.99, [2.0, 13.0]) == pytest.approx(11)
    assert _averaged(0.99, [2.0, 13.0, 1.0]) == pytest.approx(3.5)


def test_the_decay_ends_at_the_one_asked_for() -> None:
    # 1/8 is below 2/11 from the start
    assert _averaged(0.125, [2.0, 10.0, 1.0]) == pytest.approx(0.125 * 9 + 0.875)


def test_batch_statistics_are_averaged_and_counters_kept_whole() -> None:
    model = torch.nn.BatchNorm1d(1)
    average = weight_average(model, 0.5)
    assert average is not None
    for value in (1.0, 12.0):
        model.running_mean.fill_(value)  # type: ignore[union-attr]
        average.update_parameters(model)
    assert average.module.running_mean.item() == pytest.approx(10)  # 2/11 of 1 and 9/11 of 12
    assert average.module.num_batches_tracked.dtype == torch.int64


def test_a_decay_of_zero_is_off() -> None:
    assert weight_average(torch.nn.Linear(1, 1), 0.0) is None
