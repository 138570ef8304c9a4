"""Galleries: for each class the most confident right and wrong answers, and an index of what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from osteolens.domain import Column
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.captions import ANSWERED
from osteolens.explain.shown_maps import ShownImage
from osteolens.storage import file_word
from osteolens.wording import counted

CHOICE = "Chosen by confidence, not by looks: the most probable answers, at most one image of a case."
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
        cases, images = counted(self.cases, "case"), counted(self.total, "image")
        of = f"{len(self.rows)} of {cases} shown, by one image each; {images} in all"
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


def gallery_index(groups: Sequence[Group], shown: Mapping[int, ShownImage]) -> dict[str, Any]:
    """Return what the galleries show, in the order in which they show it.

    Parameters
    ----------
    shown
        Row to its facts and maps, for each row of the groups.
    """
    galleries: dict[str, Any] = {}
    for group in groups:
        gallery = galleries.setdefault(group.class_name, {"file": gallery_file(group.class_name), "groups": {}})
        images = [shown[row] for row in group.rows]
        gallery["groups"][group.kind] = {
            "total": group.total,
            "cases": group.cases,
            "shown": [{**image.facts, "maps": [laid.record for laid in image.maps]} for image in images],
        }
    return {"order": "most confident answer first", "choice": CHOICE, "galleries": galleries}


def index_table(index: dict[str, Any]) -> pd.DataFrame:
    """Return the same as a table, one row per map shown."""
    rows = [
        {"gallery": name, "kind": kind, **shown, **{f"map_{key}": value for key, value in laid.items()}}
        for name, gallery in index["galleries"].items()
        for kind, group in gallery["groups"].items()
        for shown in group["shown"]
        for laid in shown["maps"]
    ]
    told = ["gallery", "kind", *ANSWERED, "annotated", "area_share", "map_class", "map_probability", "map_zero"]
    return pd.DataFrame(rows, columns=told)
