"""Which maps of an image are shown: that of the answer and, where it is wrong, that of the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cam import CLASSLESS, MapMethod, map_meaning
from osteolens.explain.captions import image_facts, map_caption
from osteolens.explain.cell_map import CellMap

ROLES = {"answer": "probability", "truth": "truth_probability"}  # to the fact that holds the class's probability


@dataclass(frozen=True, slots=True, eq=False)
class ShownMap:
    """A map with what is told beside it.

    Attributes
    ----------
    shows
        What it shows, in words.
    class_name, probability
        Its class and the probability of that, 0 to 1; None where the method asks for no class.
    cells
        The map [h, w].
    """

    shows: str
    class_name: str | None
    probability: float | None
    cells: CellMap

    @property
    def caption(self) -> str:
        """What stands beside it."""
        return map_caption(self.shows, self.class_name, self.probability, zero=self.cells.is_zero)

    @property
    def record(self) -> dict[str, Any]:
        """What files tell of it."""
        return {"class": self.class_name, "probability": self.probability, "zero": self.cells.is_zero}


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """An image, what is known of it, and its maps: of the answer first, of the truth last; one where both are one."""

    facts: dict[str, Any]
    maps: tuple[ShownMap, ...]


def shown_image(
    table: PredictionsTable, row: int, maps: CellMap, area_share: float | None, method: MapMethod
) -> ShownImage:
    """Choose the maps that are shown of an image.

    Parameters
    ----------
    maps
        [K, h, w] of all classes.
    area_share
        See :func:`osteolens.explain.captions.image_facts`.
    """
    facts = image_facts(table, row, area_share)
    names = list(dict.fromkeys(facts[role] for role in ROLES))[: 1 if method in CLASSLESS else None]
    shown = []
    for name in names:
        roles = [role for role in ROLES if facts[role] == name]
        meaning, cells = map_meaning(method, f"{' and '.join(roles)}, {name}"), maps[table.class_names.index(name)]
        if method in CLASSLESS:
            shown.append(ShownMap(meaning, None, None, cells))
        else:
            shown.append(ShownMap(meaning, name, facts[ROLES[roles[0]]], cells))
    return ShownImage(facts, tuple(shown))
