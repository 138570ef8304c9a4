"""What proves the maps, drawn from the content of ``sanity.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteolens.evaluation.figures import DASHES, DISCLAIMER
from osteolens.palette import BLACK, BLUE, ORANGE, VERMILION

_STYLES = {"map": BLUE, "random": ORANGE, "centre": VERMILION}
_CALLED = {"map": "map", "random": "random cells", "centre": "from the centre"}


def proof_figure(report: dict[str, Any]) -> Figure:
    """Draw the rank correlation along the cascade, and the deletion and insertion curves.

    Parameters
    ----------
    report
        See :func:`osteolens.explain.proof.prove_run`.
    """
    figure = Figure(figsize=(12.5, 4.6), layout="constrained")
    figure.suptitle(
        f"Do the maps mean something? {report['split']}: {report['n']} images of {report['cases']} cases, class of the "
        f"map: {report['map_class']}",
        fontsize=11,
    )
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    cascade, deletion, insertion = figure.subplots(1, 3)
    _draw_cascade(cascade, report["randomisation"], report["confidence"])
    for axes, kind, told in ((deletion, "deletion", "taken away"), (insertion, "insertion", "brought back")):
        _draw_curves(axes, report["deletion_insertion"], kind)
        axes.set(title=kind.capitalize(), xlabel=f"Share of the pixels {told}", ylabel="Probability of the class")
    for axes in (cascade, deletion, insertion):
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(fontsize=8)
    return figure


def _draw_cascade(axes: Axes, cascade: dict[str, Any], confidence: float) -> None:
    steps = [step["spearman"] for step in cascade["steps"]]
    values, low, high = (_numbers(steps, key) for key in ("value", "low", "high"))
    at = np.arange(1, len(steps) + 1)
    axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0, label=f"{confidence:.0%} interval")
    axes.plot([0, *at], [1, *values], color=BLUE, marker="o", markersize=4, label="against the trained network")
    unrelated = cascade["unrelated"]["spearman"]["value"]
    if unrelated is not None:
        axes.axhline(unrelated, color=BLACK, linestyle="dashed", linewidth=1, label="map of another image")
    axes.set_xticks(range(len(steps) + 1), ["none", *(step["stage"] for step in cascade["steps"])], rotation=90)
    axes.tick_params(axis="x", labelsize=7)
    axes.set(title="Weights made random, from the head", ylabel="Spearman correlation of the maps", ylim=(-0.6, 1.05))


def _draw_curves(axes: Axes, record: dict[str, Any], kind: str) -> None:
    found = record[kind]
    for (order, colour), dashes in zip(_STYLES.items(), DASHES, strict=False):
        area = found["auc"][order]["value"]
        label = f"{_CALLED[order]}: area {area:.3f}"
        axes.plot(record["shares"], found["curves"][order], color=colour, linestyle=dashes, label=label)
    axes.set_ylim(-0.02, 1.02)


def _numbers(entries: list[dict[str, Any]], key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return one number of each entry, NaN where it is None: nothing is drawn there."""
    return np.array([entry[key] for entry in entries], dtype=np.float64)
