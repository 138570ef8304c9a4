"""Figures of an audit, fit for print and for readers who do not tell all colours apart."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from osteolens.data.audit.drawing import (
    HATCHES,
    LEGEND_ABOVE,
    MARKERS,
    AuditFigure,
    by_class,
    finished,
    panel,
)
from osteolens.data.audit.origin_figures import leakage_figure, statistics_figure
from osteolens.data.audit.run import AuditResult
from osteolens.data.audit.tables import Counts
from osteolens.domain import Column
from osteolens.palette import PALETTE

_AREA_BINS = list(np.logspace(-5, 0, 41))
_AGE_STEP = 5  # years


def audit_figures(result: AuditResult) -> list[AuditFigure]:
    """Draw what there is data for: shares by origin, ages, lesion areas, sizes, statistics by origin, leakage."""
    draw = (_origins, _ages, _sizes, statistics_figure, _lesion_areas, leakage_figure)
    drawn = [function(result) for function in draw]
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
    figure.legend(*panels[0].get_legend_handles_labels(), **LEGEND_ABOVE)
    named = " and ".join(groupings)
    return finished(
        figure,
        "classes_by_origin",
        f"Share of each class by {named}; the number of images stands at the right. n = {result.summary['images']:,}.",
        f"Stacked horizontal bars, one per {named}; the tables of images by {named} hold the numbers.",
    )


def _share_bars(axes: Axes, table: Counts, classes: list[str]) -> None:
    totals = np.array([sum(counts.values()) for counts in table.values()])
    left = np.zeros(len(table))
    for i, label in enumerate(classes):
        shares = np.array([counts[label] for counts in table.values()]) / totals
        bars = axes.barh(list(table), shares, left=left, label=label, height=0.75)
        for bar in bars:
            bar.set(facecolor=PALETTE[i % len(PALETTE)], hatch=HATCHES[i % len(HATCHES)], edgecolor="white")
        left += shares
    for row, total in enumerate(totals):
        axes.text(1.01, row, f"{total:,}", va="center", fontsize=8)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)


def _ages(result: AuditResult) -> AuditFigure | None:
    known = result.images["age"].notna().sum() if "age" in result.images else 0
    if known == 0:
        return None
    figure, axes = panel("Age in years", "Share of the class")
    for label, ages, style in by_class(result, "age"):
        weights = np.full(len(ages), 1 / len(ages))
        bins = list(np.arange(0, result.images["age"].max() + 2 * _AGE_STEP, _AGE_STEP))
        name = f"{label} (n = {len(ages):,}, median {np.median(ages):.0f})"
        axes.hist(ages, bins=bins, weights=weights, histtype="step", linewidth=1.8, label=name, **style)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(**LEGEND_ABOVE)
    return finished(
        figure,
        "age_by_class",
        f"Age at the radiograph, in steps of {_AGE_STEP} years, as a share of each class. n = {known:,} images.",
        "One stepped line per class over age; the legend gives number and median.",
    )


def _lesion_areas(result: AuditResult) -> AuditFigure | None:
    known = result.images["lesion_area"].notna().sum()
    if known == 0:
        return None
    figure, axes = panel("Lesion area, share of the image (logarithmic)", "Annotated images")
    for label, areas, style in by_class(result, "lesion_area"):
        name = f"{label} (n = {len(areas):,}, median {np.median(areas):.2%})"
        axes.hist(areas, bins=_AREA_BINS, histtype="step", linewidth=1.8, label=name, **style)
        axes.axvline(np.median(areas), linewidth=0.9, alpha=0.7, **style)
    axes.set_xscale("log")
    axes.set_xlim(1e-5, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:g}%"))
    figure.legend(**LEGEND_ABOVE)
    return finished(
        figure,
        "lesion_area",
        "Area of the lesions of an image (outlines; boxes only where there is no outline). Thin lines mark the median. "
        f"n = {known:,} annotated images.",
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
    figure, axes = panel("Width in pixels", "Height in pixels", size=(5.2, 4.6))
    for (label, widths, style), (_, heights, _) in zip(by_class(result, width), by_class(result, height), strict=True):
        name = f"{label} (n = {len(widths):,})"
        colour, marker = style["color"], MARKERS[list(result.summary["classes"]).index(label) % len(MARKERS)]
        axes.scatter(widths, heights, s=14, marker=marker, facecolors="none", edgecolors=colour, alpha=0.6, label=name)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.set_aspect("equal", adjustable="box")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return finished(
        figure,
        "image_size",
        f"Width and height {whose}, one mark per image, n = {len(known):,}. Sizes that differ between classes are a "
        "shortcut.",
        "Scatter of height over width, one marker and colour per class.",
    )
