"""Figures of an audit, fit for print and for readers who do not tell all colours apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from osteolens.data.audit import AuditResult
from osteolens.data.audit.tables import Counts
from osteolens.domain import Column
from osteolens.palette import PALETTE

DOTS_PER_INCH = 140

# dashes, hatches and markers repeat what the colours say
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))
_HATCHES = ("", "///", "...", "xxx")
_MARKERS = ("o", "^", "s", "D")
_ABOVE: dict[str, Any] = {"loc": "outside upper center", "ncols": 3, "frameon": False, "fontsize": 8}
_AREA_BINS = list(np.logspace(-5, 0, 41))
_AGE_STEP = 5  # years


@dataclass(frozen=True, slots=True)
class AuditFigure:
    """One figure: a name fit for a file, a caption, a text for those who cannot see it, and the PNG."""

    name: str
    caption: str
    alt: str
    png: bytes


def audit_figures(result: AuditResult) -> list[AuditFigure]:
    """Draw what there is data for: shares by origin, ages, lesion areas, picture sizes."""
    drawn = (_origins(result), _ages(result), _lesion_areas(result), _sizes(result))
    return [figure for figure in drawn if figure is not None]


def _origins(result: AuditResult) -> AuditFigure | None:
    tables = result.summary["tables"]
    groupings = [name for name in (Column.CENTER, Column.SOURCE) if len(tables.get(name, {})) > 1]
    if not groupings:
        return None
    rows = sum(len(tables[name]) for name in groupings)
    figure = Figure(figsize=(7, 0.9 + 0.34 * rows + 0.5 * len(groupings)), layout="constrained")
    heights = [len(tables[name]) for name in groupings]
    panels = figure.subplots(len(groupings), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    for axes, grouping in zip(panels, groupings, strict=True):
        _share_bars(axes, tables[grouping], list(result.summary["classes"]))
        axes.set_ylabel(grouping)
    panels[-1].set_xlabel("Share of the images")
    figure.legend(*panels[0].get_legend_handles_labels(), **_ABOVE)
    named = " and ".join(groupings)
    return _finished(
        figure,
        "classes_by_origin",
        f"Share of each class by {named}; the number of images stands at the right.",
        f"Stacked horizontal bars, one per {named}; the tables of images by {named} hold the numbers.",
    )


def _share_bars(axes: Axes, table: Counts, classes: list[str]) -> None:
    totals = np.array([sum(counts.values()) for counts in table.values()])
    left = np.zeros(len(table))
    for i, label in enumerate(classes):
        shares = np.array([counts[label] for counts in table.values()]) / totals
        bars = axes.barh(list(table), shares, left=left, label=label, height=0.75)
        for bar in bars:
            bar.set(facecolor=PALETTE[i % len(PALETTE)], hatch=_HATCHES[i % len(_HATCHES)], edgecolor="white")
        left += shares
    for row, total in enumerate(totals):
        axes.text(1.01, row, f"{total:,}", va="center", fontsize=8)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)


def _ages(result: AuditResult) -> AuditFigure | None:
    if "age" not in result.images or result.images["age"].notna().sum() == 0:
        return None
    figure, axes = _panel("Age in years", "Share of the class")
    for label, ages, style in _by_class(result, "age"):
        weights = np.full(len(ages), 1 / len(ages))
        bins = list(np.arange(0, result.images["age"].max() + 2 * _AGE_STEP, _AGE_STEP))
        name = f"{label} (n = {len(ages):,}, median {np.median(ages):.0f})"
        axes.hist(ages, bins=bins, weights=weights, histtype="step", linewidth=1.8, label=name, **style)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(**_ABOVE)
    return _finished(
        figure,
        "age_by_class",
        f"Age at the radiograph, in steps of {_AGE_STEP} years, as a share of each class.",
        "One stepped line per class over age; the legend gives number and median.",
    )


def _lesion_areas(result: AuditResult) -> AuditFigure | None:
    if result.images["lesion_area"].notna().sum() == 0:
        return None
    figure, axes = _panel("Lesion area, share of the image (logarithmic)", "Annotated images")
    for label, areas, style in _by_class(result, "lesion_area"):
        name = f"{label} (n = {len(areas):,}, median {np.median(areas):.2%})"
        axes.hist(areas, bins=_AREA_BINS, histtype="step", linewidth=1.8, label=name, **style)
        axes.axvline(np.median(areas), linewidth=0.9, alpha=0.7, **style)
    axes.set_xscale("log")
    axes.set_xlim(1e-5, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:g}%"))
    figure.legend(**_ABOVE)
    return _finished(
        figure,
        "lesion_area",
        "Area of the lesions of an image (outlines; boxes only where there is no outline). Thin lines mark the median.",
        "One stepped line per class over lesion area on a logarithmic axis; the legend gives number and median.",
    )


def _sizes(result: AuditResult) -> AuditFigure | None:
    width, height, whose = "width", "height", "of the files"
    if result.images[["width", "height"]].dropna().drop_duplicates().shape[0] < 2:
        # A copy stretched to one size: only the annotations still tell how large the pictures were.
        width, height, whose = "annotated_width", "annotated_height", "that the annotations state (annotated images)"
    known = result.images[[width, height]].dropna()
    if len(known.drop_duplicates()) < 2:
        return None
    figure, axes = _panel("Width in pixels", "Height in pixels", size=(5.2, 4.6))
    for (label, widths, style), (_, heights, _) in zip(
        _by_class(result, width), _by_class(result, height), strict=True
    ):
        colour, marker = style["color"], _MARKERS[list(result.summary["classes"]).index(label) % len(_MARKERS)]
        axes.scatter(widths, heights, s=14, marker=marker, facecolors="none", edgecolors=colour, alpha=0.6, label=label)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.set_aspect("equal", adjustable="box")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return _finished(
        figure,
        "image_size",
        f"Width and height {whose}, one mark per image. Sizes that differ between classes are a shortcut.",
        "Scatter of height over width, one marker and colour per class.",
    )


def _by_class(result: AuditResult, column: str) -> Iterator[tuple[str, np.ndarray[Any, Any], dict[str, Any]]]:
    """Yield class, its known values and its line style, for the classes that have any."""
    images: pd.DataFrame = result.images
    for i, label in enumerate(result.summary["classes"]):
        values = images.loc[images[Column.LABEL] == label, column].dropna().to_numpy(dtype=float)
        if len(values):
            yield label, values, {"color": PALETTE[i % len(PALETTE)], "linestyle": _DASHES[i % len(_DASHES)]}


def _panel(xlabel: str, ylabel: str, size: tuple[float, float] = (7, 3.2)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _finished(figure: Figure, name: str, caption: str, alt: str) -> AuditFigure:
    stream = BytesIO()
    # Without the version of matplotlib in the file, the same data give the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return AuditFigure(name, caption, alt, stream.getvalue())
