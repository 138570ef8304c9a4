"""Loss and metric curves of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from osteolens.palette import BLUE, GREEN, VERMILION
from osteolens.storage import atomic_writer


def draw_curves(history: Sequence[dict[str, Any]], path: Path) -> Path:
    """Draw loss (left) and validation figures (right) over the epochs as PNG.

    Parameters
    ----------
    history
        Rows of the training log: epoch, train_loss, and val_* where the split has a validation part.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axes, names, label in (
        (left, {"train_loss": BLUE, "val_loss": VERMILION}, "loss"),
        (right, {"val_macro_auc": BLUE, "val_accuracy": VERMILION, "val_balanced_accuracy": GREEN}, "validation"),
    ):
        for name, colour in names.items():
            if name in history[0]:
                axes.plot(epochs, [row[name] for row in history], color=colour, marker=".", label=name)
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(visible=True, alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    with atomic_writer(path) as stream:
        figure.savefig(stream, format="png", dpi=120)
    return path
