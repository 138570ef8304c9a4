from __future__ import annotations

import sys
from pathlib import Path

import pytest

from osteolens.config import load_config
from osteolens.errors import EXIT_USAGE, ConfigError, StorageError
from osteolens.training.tracking import epoch_tracker, require_tracking

NONE = load_config().training
TENSORBOARD = load_config(None, ["training.tracking=tensorboard"]).training


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Read event files as TensorBoard does."""
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    reader = event_accumulator.EventAccumulator(str(folder)).Reload()
    return {name: [(event.step, event.value) for event in reader.Scalars(name)] for name in reader.Tags()["scalars"]}


def test_without_tracking_nothing_is_written(tmp_path: Path) -> None:
    require_tracking(NONE)
    with epoch_tracker(NONE, tmp_path / "tensorboard", 0) as note:
        note({"epoch": 1, "train_loss": 0.5})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_told_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'osteolens\[tracking\]'") as caught:
        require_tracking(TENSORBOARD)
    assert caught.value.exit_code == EXIT_USAGE
    with pytest.raises(ConfigError), epoch_tracker(TENSORBOARD, tmp_path / "tensorboard", 0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_goes_on_without_an_epoch_twice(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with epoch_tracker(TENSORBOARD, tmp_path, 0) as note:
        note({"epoch": 1, "train_loss": 0.75, "val_macro_auc": float("nan")})
        note({"epoch": 2, "train_loss": 9.0, "val_macro_auc": 0.125})  # killed before the checkpoint of this epoch
    with epoch_tracker(TENSORBOARD, tmp_path, 1) as note:
        note({"epoch": 2, "train_loss": 0.5, "val_macro_auc": 0.625})
        note({"epoch": 3, "train_loss": 0.25, "val_macro_auc": 0.75})
    assert scalars(tmp_path) == {
        "train_loss": [(1, 0.75), (2, 0.5), (3, 0.25)],
        "val_macro_auc": [(2, 0.625), (3, 0.75)],
    }


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "tensorboard").write_text("a file")
    with pytest.raises(StorageError, match="tensorboard"), epoch_tracker(TENSORBOARD, tmp_path / "tensorboard", 0):
        pass
