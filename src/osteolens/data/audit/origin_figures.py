"""Figures on where pictures came from and which splits let a network recognise it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from osteolens.data.audit.drawing import HATCHES, LEGEND_ABOVE, AuditFigure, finished
from osteolens.data.audit.run import AuditResult
from osteolens.domain import NONE_GIVEN, NORMAL
from osteolens.palette import BLUE, PALETTE, VERMILION

_PANELS = {
    "mean": "Mean grey level",
    "sharpness": "Sharpness (variance of\nthe Laplacian at 256 px)",
    "black_border": "Share of the picture\nin a black border",
    "width": "Width in pixels",
    "annotated_width": "Width that the annotation\nstates, in pixels",
}
_LOGARITHMIC = {"sharpness"}
_WHISKERS = (5, 95)  # percentiles
_BAR = 0.8  # share of a row that its bars fill


def statistics_figure(result: AuditResult) -> AuditFigure | None:
    """Draw the spread of numbers of a picture by its origin; None where only one origin is known."""
    if (column := result.summary["origin"]) is None:
        return None
    images = result.images[result.images["kind"] != ""]
    if not (statistics := [name for name in _PANELS if len(images[name].dropna().unique()) > 1]):
        return None
    origins = images[column].where(images[column] != "", NONE_GIVEN)
    names = sorted(set(origins))
    labels = [f"{name} (n = {(origins == name).sum():,})" for name in names]
    figure = Figure(figsize=(8.4, 1.2 + 0.3 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(statistics), squeeze=False, sharey=True)[0]
    for axes, statistic in zip(panels, statistics, strict=True):
        values = [images.loc[origins == name, statistic].dropna().to_numpy(dtype=float) for name in names]
        _boxes(axes, values)
        axes.set_xlabel(_PANELS[statistic], fontsize=8)
        axes.tick_params(labelsize=8)
        if statistic in _LOGARITHMIC and min((v.min() for v in values if len(v)), default=0) > 0:
            axes.set_xscale("log")
    panels[0].set_yticks(range(1, len(names) + 1), labels)
    panels[0].set_ylim(len(names) + 0.5, 0.5)
    return finished(
        figure,
        "statistics_by_origin",
        f"Numbers of the pictures by {column}: quartiles and median, whiskers from the 5th to the 95th percentile. "
        f"n = {len(images):,} images. Numbers that differ tell a network where a picture came from.",
        f"Horizontal box plots, one row per {column}; the table of numbers by origin holds the medians.",
    )


def _boxes(axes: Axes, values: list[Any]) -> None:
    look = {"facecolor": "#cfe3f2", "edgecolor": BLUE}
    median = {"color": VERMILION, "linewidth": 2}
    axes.boxplot(
        values, orientation="horizontal", whis=_WHISKERS, showfliers=False, widths=0.6, manage_ticks=False,
        patch_artist=True, boxprops=look, medianprops=median,
    )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)


def leakage_figure(result: AuditResult) -> AuditFigure | None:
    """Draw the share of evaluation images whose case is also in the train part, by split and class."""
    bars = list(_leakage_bars(result))
    if not bars or result.summary["cases"] is None:
        return None
    classes = list(dict.fromkeys(label for _, shares in bars for label in shares))
    figure = Figure(figsize=(7, 1.1 + 0.22 * len(bars) * len(classes)), layout="constrained")
    axes = figure.add_subplot()
    for i, label in enumerate(classes):
        thickness = _BAR / len(classes)
        rows = np.arange(len(bars)) + (i - (len(classes) - 1) / 2) * thickness
        look = list(result.summary["classes"]).index(label)
        drawn = _class_bars(axes, rows, [shares.get(label) for _, shares in bars], 0.9 * thickness)
        drawn.set_label(label)
        for bar in drawn:
            bar.set(facecolor=PALETTE[look % len(PALETTE)], hatch=HATCHES[look % len(HATCHES)], edgecolor="white")
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.set(xlim=(0, 1), ylim=(-0.5, len(bars) - 0.5))
    axes.set_xlabel("Share of the images with another image of their case in train")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    figure.legend(*axes.get_legend_handles_labels(), **LEGEND_ABOVE)
    return finished(
        figure,
        "leakage_by_split",
        "Share of the evaluation images whose case also has images in the train part, by split and class; the number "
        "of images n stands beside each bar. A score on a split with long bars is partly recognition.",
        "Horizontal bars, one per split, part and class; the table of the splits holds the numbers.",
    )


def _class_bars(axes: Axes, rows: NDArray[np.floating[Any]], shares: list[Any], thickness: float) -> BarContainer:
    """Draw one class in every split; a split without the class has no bar."""
    for row, share in zip(rows, shares, strict=True):
        if share:
            told = f"{share['shared_fraction']:.1%} of {share['n']:,}"
            axes.text(share["shared_fraction"] + 0.01, row, told, va="center", fontsize=7.5)
    return axes.barh(rows, [share["shared_fraction"] if share else 0.0 for share in shares], height=thickness)


def _leakage_bars(result: AuditResult) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield split and part with the share of each class; normals only where there is no other class."""
    for scheme, measured in (result.summary["leakage"] or {}).items():
        for part, entry in measured.get("evaluation", {}).items():
            tumours = {label: share for label, share in entry["per_class"].items() if label != NORMAL}
            yield f"{scheme}, {part}", tumours or entry["per_class"]
