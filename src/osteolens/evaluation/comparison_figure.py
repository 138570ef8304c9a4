"""Runs and published figures as a forest plot: one row each, one panel for each figure, from the comparison record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from osteolens.domain import MALIGNANT
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.evaluation.published import THREE_CLASSES
from osteolens.palette import BLACK, BLUE, GREEN, ORANGE, VERMILION

KIND_WORDS = {
    "new_cases": "new cases",
    "new_sources": "new hospitals",
    "unknown": "sharing unknown",
    "leaking": "leaks",
}
_STYLES = {  # kind to colour and marker: told apart without colour too
    "new_cases": (BLUE, "o"),
    "new_sources": (GREEN, "D"),
    "unknown": (ORANGE, "^"),
    "leaking": (VERMILION, "s"),
}
_WIDTH, _ROW, _FRAME = 10.5, 0.42, 1.7  # inches: of the figure, of a row, of all but the rows
_NAME_WIDTH = 34  # letters of a row's name in one line


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: name, style, word beside the marker, whether it is filled, and the figures that are known."""

    name: str
    kind: str
    word: str
    filled: bool
    figures: dict[str, Any]


def comparison_figure(record: dict[str, Any]) -> Figure:
    """Draw accuracy, macro AUC and malignant sensitivity with their intervals; published figures are hollow.

    Parameters
    ----------
    record
        The result of :func:`osteolens.evaluation.comparison.compare_runs`. Figures of other tasks than three classes
        are left out.
    """
    rows = [*_run_rows(record), *_published_rows(record)]
    figure = Figure(figsize=(_WIDTH, _FRAME + _ROW * len(rows)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (title, path) in zip(panels, _panels(), strict=True):
        _draw(axes, title, path, rows)
    panels[0].set_yticks(range(len(rows)), [fill(row.name, _NAME_WIDTH) for row in rows], fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.suptitle("Runs by what they were tested on, beside published figures", fontsize=11)
    figure.legend(handles=list(_legend(rows)), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    panels[1].set_xlabel(DISCLAIMER, fontsize=7, color="0.35")  # a label of the figure would lie on the legend
    return figure


def _panels() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "Accuracy", ("accuracy",)
    yield "Macro AUC", ("macro_auc",)
    yield f"Sensitivity {MALIGNANT}", ("sensitivity", MALIGNANT)


def _run_rows(record: dict[str, Any]) -> Iterator[_Row]:
    for run in record["runs"]:
        yield _Row(run["label"], run["kind"], KIND_WORDS[run["kind"]], True, run["figures"])


def _published_rows(record: dict[str, Any]) -> Iterator[_Row]:
    for system in (system for system in record["published"] if system["task"] == THREE_CLASSES):
        kind = {True: "leaking", False: "new_sources", None: "unknown"}[system["leaks"]]
        yield _Row(system["short"], kind, KIND_WORDS[kind], False, system["figures"])


def _draw(axes: Axes, title: str, path: tuple[str, ...], rows: list[_Row]) -> None:
    for place, row in enumerate(rows):
        entry = _find(row.figures, path)
        if entry is None or entry["value"] is None:
            continue
        colour, marker = _STYLES[row.kind]
        face = colour if row.filled else "white"
        if entry["low"] is not None:
            axes.plot([entry["low"], entry["high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot([entry["value"]], [place], marker, color=colour, markerfacecolor=face, markersize=6)
        if row.kind == "leaking":
            axes.annotate(
                row.word, (entry["value"], place), (0, 5), textcoords="offset points", ha="center", fontsize=6.5
            )
    axes.axhline(sum(row.filled for row in rows) - 0.5, color=BLACK, linewidth=0.7)
    axes.set(title=title, xlim=(0, 1.06))  # room for a word beside a marker near 1
    axes.title.set_fontsize(10)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", labelsize=8)


def _find(figures: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    found: Any = figures
    for key in path:
        found = found.get(key) if found else None
    return found


def _legend(rows: list[_Row]) -> Iterator[Line2D]:
    for kind in dict.fromkeys(row.kind for row in rows):
        colour, marker = _STYLES[kind]
        for filled, whose in ((True, "run"), (False, "published or measured before")):
            if any(row.kind == kind and row.filled == filled for row in rows):
                face = colour if filled else "white"
                style: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": face}
                yield Line2D([], [], linestyle="none", label=f"{whose}: {KIND_WORDS[kind]}", **style)
