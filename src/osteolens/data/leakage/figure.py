"""The shares of a leakcheck as bars: class by class, kind of sibling by kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from osteolens.errors import DataError
from osteolens.palette import BLACK, BLUE, ORANGE, SKY
from osteolens.storage import atomic_writer

DOTS_PER_INCH = 140

# key of a share, legend, colour, hatch; hatches repeat what the colours say
_KINDS = (
    ("shared", "same case", BLUE, ""),
    ("duplicated", "byte-identical copy", ORANGE, "///"),
    ("near_duplicated", "look-alike", SKY, "..."),
    ("leaking", "any of these", BLACK, ""),
)


def draw_leakage(result: dict[str, Any], path: Path) -> Path:
    """Draw the result of :func:`osteolens.data.leakage.leakcheck` as PNG and return `path`.

    One panel per evaluation part; per class, and for all images, the share that has a sibling in train, with the
    number of images below.
    """
    evaluation = result["evaluation"]
    if not evaluation:
        raise DataError("there is no val or test part, so there is nothing to draw.")
    columns = sum(len(_rows(entry)) for entry in evaluation.values())
    figure = Figure(figsize=(1.6 + 1.25 * columns, 3.6), layout="constrained")
    widths = [len(_rows(entry)) for entry in evaluation.values()]
    panels = figure.subplots(1, len(evaluation), squeeze=False, sharey=True, width_ratios=widths)[0]
    for axes, (part, entry) in zip(panels, evaluation.items(), strict=True):
        _bars(axes, entry)
        axes.set_title(part, fontsize=10)
        if result["limit"] > 0:
            axes.axhline(result["limit"], color=BLACK, linestyle="dashed", linewidth=1, zorder=0, label="limit")
    panels[0].set_ylabel("Share of images with a sibling in train", fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=8)
    with atomic_writer(path) as stream:
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    return path


def _rows(entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {**entry["per_class"], "all": entry["overall"]}


def _bars(axes: Axes, entry: dict[str, Any]) -> None:
    rows = _rows(entry)
    known = [kind for kind in _KINDS if kind[0] in entry["overall"]]
    kinds = known if len(known) > 2 else known[:1]  # of one kind alone, "any" repeats it
    width = 0.8 / len(kinds)
    for place, (key, name, colour, hatch) in enumerate(kinds):
        shares = [share[key] / share["n"] for share in rows.values()]
        at = [number + (place - (len(kinds) - 1) / 2) * width for number in range(len(rows))]
        bars = axes.bar(at, shares, width * 0.94, color=colour, hatch=hatch, edgecolor="white", label=name)
        axes.bar_label(bars, [f"{100 * share:.1f}" for share in shares], fontsize=7, padding=1)
    axes.set_xticks(range(len(rows)), [f"{name}\nn = {share['n']:,}" for name, share in rows.items()], fontsize=8)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(0, 1.08)
    axes.spines[["top", "right"]].set_visible(False)
