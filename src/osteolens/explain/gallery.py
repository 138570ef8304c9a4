"""Galleries: for each class the most confident right and wrong answers, each beside the map of the answer."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cell_map import CellMap
from osteolens.explain.drawing import PICTURE_INCHES, draw_outline, heading, show
from osteolens.explain.overlay import overlay

PAIRS_PER_LINE = 5
GAP = 0.03  # between the two pictures of a pair, as a share of their side
MINIMUM_COLUMNS = 2  # room for the headings
TITLE = (
    "{name}: the most confident answers. In each pair, left: radiograph; right: {meaning}\n"
    "(yellow: strongest, no colour: none) and, where one was drawn, the outline of the lesion (light blue)"
)
GROUPS = {
    "TP": "TP, {name} answered as {name}",
    "FP": "FP, another class answered as {name}",
    "FN": "FN, {name} answered as another class",
}
_UNFIT = re.compile(r"[^\w.-]")
Masks = Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a gallery.

    Attributes
    ----------
    class_name
        The class whose gallery it is.
    kind
        ``TP``, ``FP`` or ``FN`` with respect to that class.
    total
        Number of images of this kind.
    rows
        Rows of the predictions table that are shown, the most confident answer first.
    """

    class_name: str
    kind: str
    total: int
    rows: tuple[int, ...]

    @property
    def title(self) -> str:
        """What the row shows and how much of it."""
        return f"{GROUPS[self.kind].format(name=self.class_name)}: {len(self.rows)} of {self.total} shown"


def choose(table: PredictionsTable, size: int) -> list[Group]:
    """Choose the most confident answers of each kind and class.

    Confidence is the probability of the class that was answered, right or wrong; of equals the smaller image id comes
    first. Each group holds up to `size` images.
    """
    labels, probabilities = table.labels, table.probabilities
    answers = probabilities.argmax(axis=1)
    order = np.lexsort((table.frame[Column.IMAGE_ID].to_numpy(dtype=np.str_), -probabilities.max(axis=1)))
    groups = []
    for k, name in enumerate(table.class_names):
        members = {
            "TP": (labels == k) & (answers == k),
            "FP": (labels != k) & (answers == k),
            "FN": (labels == k) & (answers != k),
        }
        for kind, is_member in members.items():
            rows = order[is_member[order]]
            groups.append(Group(name, kind, len(rows), tuple(int(row) for row in rows[:size])))
    return groups


def gallery_file(class_name: str) -> str:
    """Return the file name of a class's gallery; characters that a file name may not hold become ``_``."""
    return f"gallery_{_UNFIT.sub('_', class_name)}.png"


def gallery_figure(
    groups: Sequence[Group],
    table: PredictionsTable,
    pictures: NDArray[np.uint8],
    *,
    maps: Mapping[int, CellMap],
    masks: Masks,
    meaning: str = "evidence for the answered class",
) -> Figure:
    """Draw the gallery of one class.

    Parameters
    ----------
    groups
        Those of one class, one row of pictures each.
    pictures
        uint8 [N, S, S] in the order of the table.
    maps
        Row to the map [h, w] of the class that was answered.
    masks
        Row to the lesion mask [S, S], where there is an annotation.
    meaning
        What the maps show, in words.
    """
    columns = max(MINIMUM_COLUMNS, *(min(PAIRS_PER_LINE, len(group.rows)) for group in groups))
    lines = [-(-len(group.rows) // PAIRS_PER_LINE) for group in groups]
    heights = [0.4 + max(0.4, (PICTURE_INCHES + 0.4) * count) for count in lines]
    figure = Figure(figsize=(columns * 2 * PICTURE_INCHES * (1 + GAP), sum(heights) + 0.7), layout="constrained")
    figure.suptitle(TITLE.format(name=groups[0].class_name, meaning=meaning), fontsize=10)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    parts = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, group, count in zip(parts, groups, lines, strict=True):
        heading(part, group.title)
        cells = part.subplots(max(1, count), columns, squeeze=False).ravel()
        for cell in cells[len(group.rows) :]:
            cell.axis("off")
        if not group.rows:
            cells[0].text(0.02, 0.5, "none", fontsize=9, transform=cells[0].transAxes, va="center")
        for cell, row in zip(cells, group.rows, strict=False):
            _draw_pair(cell, pictures[row], maps[row], masks.get(row), _caption(table, row))
    return figure


def gallery_index(groups: Sequence[Group], table: PredictionsTable, annotated: Container[int]) -> dict[str, Any]:
    """Return what the galleries show, in the order in which they show it."""
    galleries: dict[str, Any] = {}
    for group in groups:
        gallery = galleries.setdefault(group.class_name, {"file": gallery_file(group.class_name), "groups": {}})
        gallery["groups"][group.kind] = {
            "total": group.total,
            "shown": [_shown(table, row, annotated) for row in group.rows],
        }
    return {"map_class": "answered class", "order": "most confident answer first", "galleries": galleries}


def index_table(index: dict[str, Any]) -> pd.DataFrame:
    """Return the same as a table, one row per picture shown."""
    columns = ["gallery", "kind", Column.IMAGE_ID, "truth", "answer", "probability", "annotated"]
    rows = [
        {"gallery": name, "kind": kind, **shown}
        for name, gallery in index["galleries"].items()
        for kind, group in gallery["groups"].items()
        for shown in group["shown"]
    ]
    return pd.DataFrame(rows, columns=columns)


def _shown(table: PredictionsTable, row: int, annotated: Container[int]) -> dict[str, Any]:
    record = table.frame.iloc[row]
    return {
        Column.IMAGE_ID: record[Column.IMAGE_ID],
        "truth": record[Column.LABEL],
        "answer": record[Column.PREDICTED],
        "probability": float(table.probabilities[row].max()),
        "annotated": row in annotated,
    }


def _caption(table: PredictionsTable, row: int) -> str:
    shown = _shown(table, row, ())
    return (
        f"{shown[Column.IMAGE_ID]}\ntruth {shown['truth']}, answer {shown['answer']} "
        f"(probability {shown['probability']:.2f})"
    )


def _draw_pair(
    cell: Axes, picture: NDArray[np.uint8], heat: CellMap, mask: NDArray[np.uint8] | None, caption: str
) -> None:
    side = picture.shape[0]
    gap = np.full((side, round(side * GAP), 3), 255, np.uint8)
    grey = np.repeat(picture[..., None], 3, axis=2)
    show(cell, np.concatenate([grey, gap, overlay(picture, heat.enlarged(*picture.shape))], axis=1), caption)
    if mask is not None:
        draw_outline(cell, np.pad(mask, ((0, 0), (side + gap.shape[1], 0))))
