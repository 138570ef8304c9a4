"""Two predictions tables of the same images, brought into one order, or a refusal that says how they differ."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Column, image_stem
from osteolens.errors import EvaluationError
from osteolens.evaluation.predictions import ROWS_NAMED, PredictionsTable


def aligned(first: PredictionsTable, second: PredictionsTable) -> PredictionsTable:
    """Return `second` with the rows and classes in the order of `first`.

    Images are matched by their id, or by its stem where one table writes ``a.jpg`` and the other ``a.jpeg``.

    Raises
    ------
    EvaluationError
        The tables differ in images, classes or labels, or one holds more than one split.
    """
    for which, table in (("first", first), ("second", second)):
        if len(table.splits) > 1:
            raise EvaluationError(
                f"the {which} table holds the splits {', '.join(table.splits)}; compare one part only: choose it "
                "with part()."
            )
    if set(first.class_names) != set(second.class_names):
        raise EvaluationError(
            f"the tables cannot be compared: the classes are {', '.join(first.class_names)} in the first and "
            f"{', '.join(second.class_names)} in the second. Compare models of the same classes."
        )
    ids, other_ids = _matching_ids(first, second)
    _require_same_images(ids, other_ids)
    place = {image: row for row, image in enumerate(other_ids)}
    in_order = PredictionsTable(first.class_names, second.frame.iloc[[place[image] for image in ids]])
    if (differing := np.flatnonzero(first.labels != in_order.labels)).size:
        raise EvaluationError(
            f"the tables give different labels to {differing.size} images ({named(ids[row] for row in differing)}). "
            "Compare tables with the same truth."
        )
    return in_order


def known_cases(first: PredictionsTable, second: PredictionsTable) -> NDArray[np.str_]:
    """Return [N] case ids, of the table that knows any; both tables are in one order.

    Raises
    ------
    EvaluationError
        Both know cases, and not the same.
    """
    known = [table for table in (first, second) if (table.frame[Column.CASE] != table.frame[Column.IMAGE_ID]).any()]
    if len(known) == 2 and (differing := np.flatnonzero(first.cases != second.cases)).size:
        images = named(first.frame[Column.IMAGE_ID].iloc[differing])
        raise EvaluationError(
            f"the tables put {differing.size} images into different cases ({images}). Compare tables with the same "
            "case ids, or leave the column out of one."
        )
    return known[0].cases if known else first.cases


def _matching_ids(first: PredictionsTable, second: PredictionsTable) -> tuple[list[str], list[str]]:
    """Return the image ids of both tables, or their stems where the ids differ and the stems tell the images apart."""
    ids, other_ids = ([str(image) for image in table.frame[Column.IMAGE_ID]] for table in (first, second))
    stems, other_stems = ([image_stem(image) for image in own] for own in (ids, other_ids))
    distinct = len(set(stems)) == len(stems) and len(set(other_stems)) == len(other_stems)
    return (stems, other_stems) if distinct and set(ids) != set(other_ids) else (ids, other_ids)


def _require_same_images(ids: list[str], other_ids: list[str]) -> None:
    if set(ids) == set(other_ids):
        return
    only, only_other = sorted(set(ids) - set(other_ids)), sorted(set(other_ids) - set(ids))
    raise EvaluationError(
        f"the tables do not cover the same images: {len(only)} only in the first ({named(only)}), "
        f"{len(only_other)} only in the second ({named(only_other)}). Choose the same part, or the shared images "
        "with subset()."
    )


def named(images: Iterable[str]) -> str:
    """Return the first few of some images, and how many more there are."""
    listed = list(images)
    first = ", ".join(listed[:ROWS_NAMED])
    return (first or "none") + (f" and {len(listed) - ROWS_NAMED:,} more" if len(listed) > ROWS_NAMED else "")
