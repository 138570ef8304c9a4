"""What corruptions cost, a panel for each and one for those that are done or not, from the corruption record."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteolens.domain import MALIGNANT
from osteolens.evaluation.figures import DASHES, DISCLAIMER
from osteolens.evaluation.metrics import Floats
from osteolens.palette import PALETTE

_COLUMNS = 3
_WIDTH, _HEIGHT = 3.6, 3.0  # inches of one panel
_MARKERS = ("o", "s", "^")
_DODGE = 0.15  # between the figures of a corruption without degrees
_LEAST_HEIGHT = 0.05  # of the axis of losses, either way: less is no loss to speak of

Keys = tuple[str, ...]


def corruption_figure(record: dict[str, Any]) -> Figure:
    """Draw the losses of accuracy, macro AUC and malignant sensitivity with their intervals against the strength.

    Without a class ``Malignant`` balanced accuracy takes the place of its sensitivity. All panels have one scale of
    losses. A strength of 0 is the clean picture: no loss.

    Parameters
    ----------
    record
        The content of ``corruption.json``, see :func:`osteolens.experiments.robustness.robustness_record`.
    """
    graded = [name for name, words in record["corruptions"].items() if not words["one_step"]]
    one_step = [name for name, words in record["corruptions"].items() if words["one_step"]]
    count = len(graded) + bool(one_step)
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(_WIDTH * max(2, columns), _HEIGHT * rows + 0.8), layout="constrained")
    panels = _panels(figure, rows, columns, count)
    for axes, name in zip(panels, graded, strict=False):
        _draw_curves(axes, record, name)
    if one_step:
        _draw_points(panels[-1], record, one_step)
    _set_scale(panels)
    _head(figure, panels[0], record)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    return figure


def _shown(record: dict[str, Any]) -> dict[str, Keys]:
    """Return the figures that are drawn, name to the keys of its entry."""
    last: dict[str, Keys] = {"balanced accuracy": ("balanced_accuracy",)}
    if MALIGNANT in record["class_names"]:
        last = {f"{MALIGNANT.lower()} sensitivity": ("sensitivity", MALIGNANT)}
    return {"accuracy": ("accuracy",), "macro AUC": ("macro_auc",), **last}


def _head(figure: Figure, axes: Axes, record: dict[str, Any]) -> None:
    """Put title and legend above the panels, in one block: apart they would be drawn over each other."""
    clean, labels = record["clean"], []
    for name, keys in _shown(record).items():
        value = _entry(clean, keys)["value"]
        labels.append(f"{name} (clean {'undefined' if value is None else format(value, '.3f')})")
    title = (
        f"What corrupted pictures cost\n{record['split']}: {clean['n']} images of {clean['cases']} cases, "
        f"{record['confidence']:.0%} intervals"
    )
    handles = [axes.plot([], [], **_style(index))[0] for index in range(len(labels))]
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=len(handles),
        title=title,
        title_fontsize=11,
        fontsize=8,
        frameon=False,
    ).get_title().set_multialignment("center")


def _panels(figure: Figure, rows: int, columns: int, count: int) -> list[Axes]:
    panels = [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
    for index, axes in enumerate(panels):
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.axhline(0, color="0.4", linewidth=0.8)
        if index % columns == 0:
            axes.set_ylabel("Loss: clean less corrupted")
    return panels


def _draw_curves(axes: Axes, record: dict[str, Any], name: str) -> None:
    points, words = record["curves"][name], record["corruptions"][name]
    strengths = np.array([point["strength"] for point in points])
    place = int(np.searchsorted(strengths, 0.0))  # of the clean picture among them
    at = np.insert(strengths, place, 0.0)
    for index, keys in enumerate(_shown(record).values()):
        values, low, high = (np.insert(limits, place, 0.0) for limits in _limits(points, keys))
        axes.fill_between(at, low, high, color=PALETTE[index], alpha=0.15, linewidth=0)
        axes.plot(at, values, **_style(index))
    axes.set_title(words["title"].capitalize(), fontsize=10)
    axes.set_xlabel(fill(words["unit"].capitalize(), 40), fontsize=8)


def _draw_points(axes: Axes, record: dict[str, Any], names: list[str]) -> None:
    shown = _shown(record)
    for index, keys in enumerate(shown.values()):
        values, low, high = (
            np.concatenate(limits)
            for limits in zip(*(_limits(record["curves"][name], keys) for name in names), strict=True)
        )
        at = np.arange(len(names)) + _DODGE * (index - (len(shown) - 1) / 2)
        axes.vlines(at, low, high, color=PALETTE[index], linewidth=1.2)
        axes.plot(at, values, **_style(index) | {"linestyle": "none"})
    axes.set_xticks(range(len(names)), [fill(record["corruptions"][name]["title"].capitalize(), 18) for name in names])
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_title("Done or not", fontsize=10)


def _style(index: int) -> dict[str, Any]:
    return {"color": PALETTE[index], "marker": _MARKERS[index], "markersize": 4, "linestyle": DASHES[index]}


def _set_scale(panels: list[Axes]) -> None:
    """Give all panels the scale that holds every one of them."""
    limits = np.array([axes.get_ylim() for axes in panels])
    bottom, top = min(-_LEAST_HEIGHT, limits[:, 0].min()), max(_LEAST_HEIGHT, limits[:, 1].max())
    for axes in panels:
        axes.set_ylim(bottom, top)


def _limits(points: list[dict[str, Any]], keys: Keys) -> tuple[Floats, Floats, Floats]:
    """Return the losses of a figure and their limits, NaN where one is None: nothing is drawn there."""
    entries = [_entry(point["loss"], keys) for point in points]
    values, low, high = (
        np.array([entry[key] for entry in entries], dtype=np.float64) for key in ("value", "low", "high")
    )
    return values, low, high


def _entry(figures: dict[str, Any], keys: Keys) -> dict[str, Any]:
    for key in keys:
        figures = figures[key]
    return figures
