from __future__ import annotations

import pytest
import torch

from osteolens.config import TrainingOptions
from osteolens.training.optim import create_optimizer, create_scheduler, warmup_cosine


def _model() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))


def _rates(options: TrainingOptions, steps_per_epoch: int) -> list[float]:
    optimizer = create_optimizer(_model(), options)
    scheduler = create_scheduler(optimizer, options, steps_per_epoch)
    rates = []
    for _ in range(options.epochs * steps_per_epoch):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def test_warmup_is_a_line_and_the_rest_half_a_cosine() -> None:
    # 4 warm-up steps, then 4 steps down: cos(0), cos(45), cos(90), cos(135) degrees
    found = [warmup_cosine(step, 4, 8) for step in range(8)]
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_cosine_ends_near_zero_and_peaks_at_the_rate() -> None:
    rates = _rates(TrainingOptions(epochs=10, learning_rate=1e-3, warmup_epochs=2), steps_per_epoch=10)
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == 20
    assert rates[-1] < 1e-6


def test_one_cycle_rises_for_a_quarter() -> None:
    rates = _rates(TrainingOptions(epochs=4, learning_rate=1e-2, scheduler="onecycle"), steps_per_epoch=25)
    assert max(rates) == pytest.approx(1e-2, rel=1e-3)
    assert rates.index(max(rates)) == pytest.approx(25, abs=1)
    assert rates[0] == pytest.approx(1e-2 / 25)
    assert rates[-1] < 1e-4


def test_only_matrices_are_decayed() -> None:
    decayed, free = create_optimizer(_model(), TrainingOptions(weight_decay=0.05)).param_groups
    assert [tuple(parameter.shape) for parameter in decayed["params"]] == [(3, 4)]
    assert decayed["weight_decay"] == 0.05
    assert [tuple(parameter.shape) for parameter in free["params"]] == [(3,), (3,), (3,)]
    assert free["weight_decay"] == 0
