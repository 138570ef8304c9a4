from __future__ import annotations

import math

import pytest

from osteolens.errors import TrainingError
from osteolens.training.stopping import EarlyStopping, require_monitor


def test_stops_after_patience_epochs_without_improvement() -> None:
    stopping = EarlyStopping(2, "max")
    improved = [stopping.update(value, epoch) for epoch, value in enumerate([0.5, 0.7, 0.7])]
    assert improved == [True, True, False]
    assert not stopping.should_stop
    assert not stopping.update(0.6, 3)
    assert stopping.should_stop
    assert (stopping.best, stopping.best_epoch) == (0.7, 1)


def test_a_loss_improves_downwards() -> None:
    stopping = EarlyStopping(1, "min")
    assert [stopping.update(value, epoch) for epoch, value in enumerate([1.0, 0.5, 0.8])] == [True, True, False]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_nan_is_never_the_best(mode: str) -> None:
    stopping = EarlyStopping(3, mode)  # type: ignore[arg-type]
    assert not stopping.update(math.nan, 0)
    assert stopping.waited == 1


def test_state_survives() -> None:
    first = EarlyStopping(2, "max")
    first.update(0.5, 0)
    first.update(0.4, 1)
    second = EarlyStopping(2, "max")
    second.load_state_dict(first.state_dict())
    assert not second.update(0.45, 2)
    assert second.should_stop


@pytest.mark.parametrize(("mode", "sign"), [("max", 1), ("min", -1)])
def test_an_improvement_is_more_than_a_millionth(mode: str, sign: int) -> None:
    stopping = EarlyStopping(2, mode)  # type: ignore[arg-type]
    steps = [0.5, 0.5 + 9e-7, 0.5 + 2e-6]
    assert [stopping.update(sign * value, epoch) for epoch, value in enumerate(steps)] == [True, False, True]


def test_a_monitor_that_the_val_part_leaves_undefined_is_refused() -> None:
    names = ("Normal", "Benign", "Malignant")
    with pytest.raises(TrainingError, match=r"val part has no image of Malignant, so val_macro_auc is undefined. Set"):
        require_monitor("val_macro_auc", ["Normal", "Benign", "Normal"], names)
    require_monitor("val_loss", ["Normal", "Benign"], names)
    require_monitor("val_accuracy", ["Normal"], names)
    require_monitor("val_macro_auc", ["Malignant", "Normal", "Benign"], names)
