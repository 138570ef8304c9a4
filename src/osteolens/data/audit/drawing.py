"""What the figures of an audit share: their form, and how a class looks in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.data.audit.run import AuditResult
from osteolens.domain import Column
from osteolens.palette import PALETTE

DOTS_PER_INCH = 140

# dashes, hatches and markers repeat what the colours say
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))
HATCHES = ("", "///", "...", "xxx")
MARKERS = ("o", "^", "s", "D")
LEGEND_ABOVE: dict[str, Any] = {"loc": "outside upper center", "ncols": 3, "frameon": False, "fontsize": 8}


@dataclass(frozen=True, slots=True)
class AuditFigure:
    """One figure: a name fit for a file, a caption, a text for those who cannot see it, and the PNG."""

    name: str
    caption: str
    alt: str
    png: bytes


def by_class(result: AuditResult, column: str) -> Iterator[tuple[str, NDArray[np.float64], dict[str, Any]]]:
    """Yield class, its known values and its line style, for the classes that have any."""
    images: pd.DataFrame = result.images
    for i, label in enumerate(result.summary["classes"]):
        values = images.loc[images[Column.LABEL] == label, column].dropna().to_numpy(dtype=float)
        if len(values):
            yield label, values, {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}


def panel(xlabel: str, ylabel: str, size: tuple[float, float] = (7, 3.2)) -> tuple[Figure, Axes]:
    """Return an empty figure with one pair of axes, without the frame at the top and right."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def finished(figure: Figure, name: str, caption: str, alt: str) -> AuditFigure:
    """Return the figure as PNG with its words."""
    stream = BytesIO()
    # Without the version of matplotlib in the file, the same data give the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return AuditFigure(name, caption, alt, stream.getvalue())
