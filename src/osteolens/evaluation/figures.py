"""ROC curves, precision-recall curves and the confusion matrix of one part, fit for print and for every reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from osteolens.evaluation.metrics import Floats, Ranking
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.palette import PALETTE
from osteolens.storage import atomic_writer

DOTS_PER_INCH = 140
UNIT_SQUARE: dict[str, Any] = {"xlim": (-0.02, 1.02), "ylim": (-0.02, 1.02)}
DISCLAIMER = "osteolens: research software, not for clinical use"

# the dashes tell the curves apart in grey print
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))


def save_figure(figure: Figure, path: Path) -> Path:
    """Write `figure` as PNG, whole or not at all."""
    with atomic_writer(path) as stream:
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    return path


def save_plot(figure: Figure, path: Path) -> list[Path]:
    """Write a line drawing as PNG for slides and SVG for print; the same figure gives the same files."""
    png = save_figure(figure, path.with_suffix(".png"))
    svg = path.with_suffix(".svg")
    with atomic_writer(svg) as stream:
        stream.write(svg_bytes(figure))
    return [png, svg]


def svg_bytes(figure: Figure) -> bytes:
    """Return a line drawing as SVG; the same figure gives the same bytes."""
    stream = BytesIO()
    with rc_context({"svg.hashsalt": "osteolens"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def roc_figure(table: PredictionsTable, summary: dict[str, Any]) -> Figure:
    """Draw one ROC curve per class against the rest, with AUC and interval of `summary` in the legend.

    Parameters
    ----------
    summary
        The result of :func:`osteolens.evaluation.evaluate.evaluate` for the same table.
    """
    figure, axes = _square("ROC, each class against the rest", summary)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    for name, style, hits, misses in _curves(table):
        entry = summary["per_class"][name]["auc"]
        if entry["value"] is None:
            axes.plot([], [], **style, label=_legend(name, "AUC", entry))
            continue
        x, y = np.append(0, misses / misses[-1]), np.append(0, hits / hits[-1])
        axes.plot(x, y, **style, label=_legend(name, "AUC", entry))
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", **UNIT_SQUARE)
    axes.legend(loc="lower right", fontsize=8)
    return figure


def precision_recall_figure(table: PredictionsTable, summary: dict[str, Any]) -> Figure:
    """Draw one precision-recall curve per class; a faint line marks the share of the class, which chance reaches.

    Parameters
    ----------
    summary
        The result of :func:`osteolens.evaluation.evaluate.evaluate` for the same table.
    """
    figure, axes = _square("Precision and recall, each class against the rest", summary)
    for name, style, hits, misses in _curves(table):
        entry = summary["per_class"][name]["average_precision"]
        if entry["value"] is None:
            axes.plot([], [], **style, label=_legend(name, "AP", entry))
            continue
        needed = slice(np.searchsorted(hits, hits[-1]) + 1)  # beyond full recall only precision falls
        precision, recall = (hits / (hits + misses))[needed], (hits / hits[-1])[needed]
        # The value over a step of recall is the precision at its end, as average precision counts it.
        x, y = np.append(0, recall), np.append(precision[0], precision)
        axes.plot(x, y, **style, drawstyle="steps-pre", label=_legend(name, "AP", entry))
        axes.axhline(hits[-1] / len(table), color=style["color"], linewidth=0.7, alpha=0.5)
    axes.set(xlabel="Recall (sensitivity)", ylabel="Precision (positive predictive value)", **UNIT_SQUARE)
    axes.legend(loc="lower left", fontsize=8)
    return figure


def confusion_figure(summary: dict[str, Any]) -> Figure:
    """Draw the confusion matrix of `summary`: counts, and beneath them the share of the row (the true class)."""
    names = summary["class_names"]
    counts = np.array(summary["confusion_matrix"])
    shares = np.array(summary["confusion_matrix_row_normalised"], dtype=np.float64)  # None becomes NaN
    figure, axes = _square("Confusion matrix", summary)
    image = axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        share = shares[row, column]
        text = f"{counts[row, column]}\n" + (f"{share:.1%}" if np.isfinite(share) else "no image")
        axes.text(column, row, text, ha="center", va="center", color="white" if share > 0.7 else "black")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names, rotation=90, va="center")
    axes.set(xlabel="Predicted", ylabel="True")
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, label="Share of the true class", shrink=0.8, format=PercentFormatter(1))
    return figure


FIGURES: dict[str, Callable[[PredictionsTable, dict[str, Any]], Figure]] = {
    "roc_curves": roc_figure,
    "pr_curves": precision_recall_figure,
    "confusion_matrix": lambda _, summary: confusion_figure(summary),
}


def _square(title: str, summary: dict[str, Any]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(f"{title}\n{summary['split']}: {summary['n']} images of {summary['cases']} cases", fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    return figure, axes


def _curves(table: PredictionsTable) -> Iterator[tuple[str, dict[str, Any], Floats, Floats]]:
    """Yield class name, line style, and [G] true and false positives at falling thresholds."""
    labels, probabilities = table.labels, table.probabilities
    every_image: NDArray[np.float64] = np.ones((1, len(table)))
    for k, name in enumerate(table.class_names):
        hits, selected = Ranking.of(probabilities[:, k], labels == k).counts(every_image)
        style = {"color": PALETTE[k % len(PALETTE)], "linestyle": DASHES[k % len(DASHES)], "linewidth": 1.8}
        yield name, style, hits[0], (selected - hits)[0]


def _legend(name: str, metric: str, entry: dict[str, Any]) -> str:
    if entry["value"] is None:
        return f"{name}: {metric} undefined, {entry['reason']}"
    interval = "" if entry["low"] is None else f" ({entry['low']:.3f} to {entry['high']:.3f})"
    return f"{name}: {metric} {entry['value']:.3f}{interval}"
