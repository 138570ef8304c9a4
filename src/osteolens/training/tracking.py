"""The figures of every epoch for TensorBoard, beside the log that is always written."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from osteolens.config import TrainingOptions
from osteolens.errors import ConfigError
from osteolens.storage import storage_errors

NoteEpoch = Callable[[dict[str, Any]], None]


@contextlib.contextmanager
def epoch_tracker(options: TrainingOptions, folder: Path, finished_epochs: int) -> Iterator[NoteEpoch]:
    """Give a function that takes each row of the training log; with ``training.tracking: none`` it does nothing.

    Note an epoch before its checkpoint is kept: what was noted of an epoch that a resumed run repeats is then taken
    back, and nothing is missing.

    Parameters
    ----------
    folder
        Where the event files go.
    finished_epochs
        Number of epochs the run has kept; later ones in the folder belong to a run that was killed or set aside.

    Raises
    ------
    ConfigError
        TensorBoard is not installed.
    StorageError
        The folder cannot be written.
    """
    if options.tracking == "none":
        yield lambda _row: None
        return
    require_tracking(options)
    from torch.utils.tensorboard import SummaryWriter

    with storage_errors(folder):
        writer = SummaryWriter(str(folder), purge_step=finished_epochs + 1)

    def note(row: dict[str, Any]) -> None:
        with storage_errors(folder):
            for name, value in row.items():
                if name != "epoch" and math.isfinite(value):
                    writer.add_scalar(name, value, row["epoch"])
            writer.flush()

    try:
        yield note
    finally:
        with storage_errors(folder):
            writer.close()


def require_tracking(options: TrainingOptions) -> None:
    """Raise :class:`ConfigError` when the package that ``training.tracking`` needs is missing."""
    if options.tracking == "none":
        return
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "training.tracking = 'tensorboard', but TensorBoard is not installed. "
            "Run pip install 'osteolens[tracking]', or set training.tracking=none."
        ) from error
