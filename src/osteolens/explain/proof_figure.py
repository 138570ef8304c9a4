"""What proves the maps, drawn from the content of ``sanity.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteolens.evaluation.figures import DASHES, DISCLAIMER
from osteolens.palette import BLACK, BLUE, GREEN, ORANGE, VERMILION
from osteolens.wording import counted

_STYLES = {"map": BLUE, "random": ORANGE, "body": GREEN, "centre": VERMILION}
_CALLED = {"map": "map", "random": "random cells", "body": "random cells of the body", "centre": "from the centre"}
_BETTER = {"deletion": "below 0: the map is better", "insertion": "above 0: the map is better"}
_MARKERS = ("o", "D")  # of the fills
_CURVE_INCHES, _ROW_INCHES = 3.2, 3.1


def proof_figure(report: dict[str, Any]) -> Figure:
    """Draw the cascade, the differences of areas by answered class, and the deletion curves of each class and fill.

    Parameters
    ----------
    report
        See :func:`osteolens.explain.proof.prove_run`.
    """
    drawn, fills = report["drawn"], report["deletion_insertion"]["fills"]
    height = _ROW_INCHES * (1.5 + len(fills))
    figure = Figure(figsize=(max(13.0, _CURVE_INCHES * len(drawn)), height), layout="constrained")
    figure.suptitle(
        f"Do the maps mean something? {report['split']}: {counted(report['n'], 'image')} of "
        f"{counted(report['cases'], 'case')}, class of the map: {report['map_class']}",
        fontsize=11,
    )
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    grid = figure.add_gridspec(2, 1, height_ratios=(1.5, len(fills)))
    above, below = (figure.add_subfigure(grid[row]) for row in range(2))
    cascade, *forests = above.subplots(1, 3)
    _draw_cascade(cascade, report["randomisation"], report["confidence"])
    for axes, kind in zip(forests, _BETTER, strict=True):
        _draw_differences(axes, report, kind)
    rows = below.subplots(len(fills), len(drawn), sharex=True, sharey=True, squeeze=False)
    for (name, fill), row in zip(fills.items(), rows, strict=True):
        for answer, axes in zip(drawn, row, strict=True):
            _draw_curves(axes, report["deletion_insertion"]["shares"], fill["per_answered_class"][answer]["deletion"])
            axes.set_title(f"Deletion, {name}: answered {answer} (n = {drawn[answer]['n']})", fontsize=9)
        row[0].set_ylabel("Probability of the class")
    for axes in rows[-1]:
        axes.set_xlabel("Share of the pixels taken away")
    rows[0, 0].legend(fontsize=7)
    return figure


def _draw_cascade(axes: Axes, cascade: dict[str, Any], confidence: float) -> None:
    steps = cascade["steps"]
    entries = [step["spearman"] for step in steps]
    values, low, high = (_numbers([entry[key] for entry in entries]) for key in ("value", "low", "high"))
    at = np.arange(1, len(steps) + 1)
    for draw in range(cascade["draws"]):
        label = "single draws of weights" if draw == 0 else None
        of_draw = _numbers([step["of_draws"]["spearman"][draw] for step in steps])
        axes.plot(at, of_draw, color="0.6", linewidth=0.8, label=label)
    axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0, label=f"{confidence:.0%} interval by case")
    axes.plot([0, *at], [1, *values], color=BLUE, marker="o", markersize=4, label="mean of the draws")
    unrelated = cascade["unrelated"]["spearman"]["value"]
    if unrelated is not None:
        axes.axhline(unrelated, color=BLACK, linestyle="dashed", linewidth=1, label="other images, same answer")
    axes.set_xticks(range(len(steps) + 1), ["none", *(step["stage"] for step in steps)], rotation=90)
    axes.tick_params(axis="x", labelsize=7)
    axes.set(ylabel="Rank correlation of the maps", ylim=(-0.6, 1.05))
    axes.set_title("Weights made random, from the head", fontsize=10)
    _finish(axes)
    axes.legend(fontsize=7)


def _draw_differences(axes: Axes, report: dict[str, Any], kind: str) -> None:
    """Draw, by answered class and order, the map's area less that of the order, one mark for each fill."""
    fills = report["deletion_insertion"]["fills"]
    orders = [order for order in _STYLES if order != "map"]
    rows = [(answer, order) for answer in report["drawn"] for order in orders]
    for place, (answer, order) in enumerate(rows):
        for number, (marker, fill) in enumerate(zip(_MARKERS, fills.values(), strict=True)):
            entry = fill["per_answered_class"][answer][kind]["differences"][order]
            value, low, high = (_numbers([entry[key]]) for key in ("value", "low", "high"))
            at = [place + 0.3 * (number - 0.5)]
            axes.errorbar(
                value,
                at,
                xerr=np.stack([value - low, high - value]),
                color=_STYLES[order],
                marker=marker,
                markersize=4,
                markerfacecolor=_STYLES[order] if number == 0 else "white",
                linewidth=1.2,
            )
    for place in range(len(orders), len(rows), len(orders)):
        axes.axhline(place - 0.5, color="0.7", linewidth=0.6)
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{answer}: {_CALLED[order]}" for answer, order in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -1.4)  # room for the legend
    axes.set_xlabel(f"Area of the map less that of the order\n({_BETTER[kind]})", fontsize=9)
    axes.set_title(f"{kind.capitalize()}, by answered class", fontsize=10)
    for number, (marker, name) in enumerate(zip(_MARKERS, fills, strict=True)):
        face = BLACK if number == 0 else "white"
        axes.plot([], [], color=BLACK, marker=marker, markersize=4, markerfacecolor=face, label=f"fill: {name}")
    _finish(axes)
    axes.legend(fontsize=7, ncols=len(fills), loc="upper center")


def _draw_curves(axes: Axes, shares: list[float], record: dict[str, Any]) -> None:
    for (order, colour), dashes in zip(_STYLES.items(), DASHES, strict=True):
        if record["curves"][order] is not None:
            axes.plot(shares, record["curves"][order], color=colour, linestyle=dashes, label=_CALLED[order])
    axes.set_ylim(-0.02, 1.02)
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def _numbers(found: list[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return numbers, NaN where there is None: nothing is drawn there."""
    return np.array(found, dtype=np.float64)
