"""Galleries: for each class the most confident right and wrong answers, each beside the map of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from osteolens.explain.captions import ANSWERED, answer_line, image_facts, origin_line
from osteolens.explain.cell_map import CellMap
from osteolens.explain.drawing import (
    CAPTION_SIZE,
    KEY_INCHES,
    PICTURE_INCHES,
    SCALE,
    colour_key,
    draw_outline,
    heading,
    show,
)
from osteolens.explain.views import View, Views
from osteolens.storage import file_word

PAIRS_PER_LINE = 3
GAP = 0.02  # between the two pictures of a pair, as a share of their height
MINIMUM_COLUMNS = 2  # room for the headings
CAPTION_INCHES, HEADING_INCHES, TITLE_INCHES = 0.5, 0.4, 1.2
CHOICE = "Chosen by confidence, not by looks: the most probable answers, at most one image of a case."
TITLE = (
    "{name}. Each pair: the radiograph, left, and {meaning} laid over it, right. Light blue: the outline of the\n"
    f"lesion, where one was drawn. {CHOICE}\n{SCALE}"
)
GROUPS = {
    "TP": "TP, {name} answered as {name}",
    "FP": "FP, another class answered as {name}",
    "FN": "FN, {name} answered as another class",
}


@dataclass(frozen=True, slots=True)
class Group:
    """One block of a gallery.

    Attributes
    ----------
    class_name
        The class whose gallery it is.
    kind
        ``TP``, ``FP`` or ``FN`` with respect to that class.
    total, cases
        Number of images of this kind, and of their cases.
    rows
        Rows of the predictions table that are shown, the most confident answer first.
    """

    class_name: str
    kind: str
    total: int
    cases: int
    rows: tuple[int, ...]

    @property
    def title(self) -> str:
        """What the block shows and how much of it."""
        of = f"{len(self.rows)} of {self.cases} cases shown, by one image each; {self.total} images in all"
        return f"{GROUPS[self.kind].format(name=self.class_name)}: {of if self.total else 'none'}"


def choose(table: PredictionsTable, size: int) -> list[Group]:
    """Choose the most confident answers of each kind and class, one of each case at most.

    Confidence is the probability of the class that was answered, right or wrong; of equals the smaller image id comes
    first. Each group holds up to `size` images: one patient with many views would fill it otherwise.
    """
    labels, probabilities, cases = table.labels, table.probabilities, table.cases
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
            _, first = np.unique(cases[rows], return_index=True)
            shown = rows[np.sort(first)[:size]]
            groups.append(Group(name, kind, len(rows), len(first), tuple(shown.tolist())))
    return groups


def gallery_file(class_name: str) -> str:
    """Return the file name of a class's gallery; characters that a file name may not hold become ``_``."""
    return f"gallery_{file_word(class_name)}.png"


def gallery_figure(
    groups: Sequence[Group],
    table: PredictionsTable,
    views: Views,
    *,
    maps: Mapping[int, CellMap],
    area_shares: Mapping[int, float],
    meaning: str = "evidence for the answered class",
) -> Figure:
    """Draw the gallery of one class.

    Parameters
    ----------
    groups
        Those of one class, one block of pictures each.
    maps
        Row to the map [h, w] of the class that was answered.
    area_shares
        Row of an annotated image to the share of the network's input that the lesion covers, 0 to 1.
    meaning
        What the maps show, in words.
    """
    columns = max(MINIMUM_COLUMNS, *(min(PAIRS_PER_LINE, len(group.rows)) for group in groups))
    lines = [-(-len(group.rows) // PAIRS_PER_LINE) for group in groups]
    heights = [KEY_INCHES, *(HEADING_INCHES + (PICTURE_INCHES + CAPTION_INCHES) * max(0.1, count) for count in lines)]
    width = columns * PICTURE_INCHES * (2 + GAP)
    figure = Figure(figsize=(width, sum(heights) + TITLE_INCHES), layout="constrained")
    figure.suptitle(TITLE.format(name=groups[0].class_name, meaning=meaning), fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=CAPTION_SIZE, color="0.35")
    key, *parts = figure.subfigures(1 + len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    colour_key(key, meaning)
    for part, group, count in zip(parts, groups, lines, strict=True):
        heading(part, group.title)
        cells = part.subplots(max(1, count), columns, squeeze=False).ravel()
        for cell in cells[len(group.rows) :]:
            cell.axis("off")
        for cell, row in zip(cells, group.rows, strict=False):
            facts = image_facts(table, row, area_shares.get(row))
            _draw_pair(cell, views(row), maps[row], _caption(facts))
    return figure


def gallery_index(groups: Sequence[Group], table: PredictionsTable, area_shares: Mapping[int, float]) -> dict[str, Any]:
    """Return what the galleries show, in the order in which they show it; `area_shares` as in the galleries."""
    galleries: dict[str, Any] = {}
    for group in groups:
        gallery = galleries.setdefault(group.class_name, {"file": gallery_file(group.class_name), "groups": {}})
        gallery["groups"][group.kind] = {
            "total": group.total,
            "cases": group.cases,
            "shown": [image_facts(table, row, area_shares.get(row)) for row in group.rows],
        }
    return {
        "map_class": "answered class",
        "order": "most confident answer first",
        "choice": CHOICE,
        "galleries": galleries,
    }


def index_table(index: dict[str, Any]) -> pd.DataFrame:
    """Return the same as a table, one row per picture shown."""
    rows = [
        {"gallery": name, "kind": kind, **shown}
        for name, gallery in index["galleries"].items()
        for kind, group in gallery["groups"].items()
        for shown in group["shown"]
    ]
    return pd.DataFrame(rows, columns=["gallery", "kind", *ANSWERED, "annotated", "area_share"])


def _caption(facts: dict[str, Any]) -> str:
    return f"{facts[Column.IMAGE_ID]}: {answer_line(facts)}\n{origin_line(facts)}"


def _draw_pair(cell: Axes, view: View, heat: CellMap, caption: str) -> None:
    height = len(view.picture)
    gap = round(height * GAP)
    grey = np.repeat(view.picture[..., None], 3, axis=2)
    pair: list[NDArray[np.uint8]] = [grey, np.full((height, gap, 3), 255, np.uint8), view.coloured(heat)]
    show(cell, np.concatenate(pair, axis=1), caption)
    if view.mask is not None and view.mask.any():
        draw_outline(cell, np.concatenate([np.pad(view.mask, ((0, 0), (0, gap))), view.mask], axis=1))
