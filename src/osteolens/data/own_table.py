"""A metadata table other than BTXRD's: its own column names and classes, and checks of what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

import pandas as pd

from osteolens.config import OwnColumn
from osteolens.data import rules, violations
from osteolens.data.columns import (
    GENDER_SPELLINGS,
    REGIONS,
    SITES,
    SUBTYPES,
    VIEWS,
    canonical_name,
    has_tumour_flags,
)
from osteolens.data.own_files import own_id
from osteolens.data.rules import Rule
from osteolens.data.schema import Metadata
from osteolens.data.table_files import Cells
from osteolens.data.violations import HEADING_ROW, Violation, violation
from osteolens.domain import Column, image_stem

NO_SUCH_COLUMN = Rule("table", "error", "data.columns names {value}, which is no column of the table.")
UNKNOWN_VALUE = Rule("label", "error", "data.label_values has no class for {value}.")
NO_CASE = Rule("case_id", "warning", "the image has no case; it counts as a case of its own.")

USED: tuple[str, ...] = get_args(OwnColumn)
# Names under which later stages keep something else. The tumour flags stand for the label rule of BTXRD.
_TAKEN: tuple[str, ...] = (
    *("benign", "malignant", Column.SPLIT, Column.SCHEME, Column.SEED),
    *("width", "height", "file_size", "kind", "coloured", "mean", "std", "sharpness", "black_border", "white_border"),
    *("framed", "blank"),
    *("lesions", "lesion_area", "annotated_width", "annotated_height"),
)
_FLAG_GROUPS = (SITES, SUBTYPES, REGIONS, VIEWS)


def own_table(cells: Cells, columns: Mapping[OwnColumn, str], label_values: Mapping[str, str], images: str) -> Metadata:
    """Check a table and bring its columns to the names that other stages know.

    Parameters
    ----------
    cells
        The table as its file holds it.
    columns
        Column as other stages know it to its heading in the table, where that is another one.
    label_values
        What stands in the label column to the class it means; empty: the cells are the classes.
    images
        Name of the image folder, which paths in the table may begin with.

    Returns
    -------
    Metadata
        The frame holds image_id (a path as one name) and label, case_id, center, source, age and gender where the table
        has them, and its other columns as text; a whole group of 0/1 flags such as frontal, lateral and oblique is kept
        as flags.
        Violations of severity ``error`` are for the caller to refuse; the frame is usable without them only.
    """
    table, found = _renamed(cells.table, columns)
    departures = violations.find(table, key=lambda image_id: image_stem(own_id(image_id, images)))
    found = [*cells.violations, *found, *departures, *_own_departures(table, label_values)]
    if Column.IMAGE_ID in table:
        table = table.assign(**{Column.IMAGE_ID: table[Column.IMAGE_ID].map(lambda cell: own_id(cell, images))})
    return Metadata(_typed(table, label_values), violations.as_table(found))


def is_own(cells: Cells, columns: Mapping[OwnColumn, str], label_values: Mapping[str, str]) -> bool:
    """Tell whether a table is read by its own columns: it was said so, or it lacks the flags of BTXRD."""
    return bool(columns or label_values) or not has_tumour_flags(map(canonical_name, cells.table.columns))


def _renamed(table: pd.DataFrame, columns: Mapping[OwnColumn, str]) -> tuple[pd.DataFrame, list[Violation]]:
    """Return the table with the used columns under their common names, and none other under these or a taken name."""
    headings: list[str] = [str(name) for name in table.columns]
    wanted = dict(columns)
    for name in get_args(OwnColumn):
        spelled = [heading for heading in headings if canonical_name(heading) == name]
        if name not in wanted and spelled:
            wanted[name] = name if name in spelled else spelled[0]
    found = [
        violation(NO_SUCH_COLUMN, HEADING_ROW, name, heading)
        for name, heading in wanted.items()
        if heading not in headings
    ]
    name_of = {heading: name for name, heading in wanted.items()}
    reserved = {*USED, *_TAKEN}
    names = [name_of.get(heading, f"{heading} (table)" if heading in reserved else heading) for heading in headings]
    table = table.set_axis(names, axis=1)
    is_repeated = table.columns.duplicated()
    found += [
        violation(rules.REPEATED_COLUMN, HEADING_ROW, name, name, told=name)
        for name in dict.fromkeys(table.columns[is_repeated])
    ]
    return table.loc[:, ~is_repeated], found


def _own_departures(table: pd.DataFrame, label_values: Mapping[str, str]) -> Iterator[Violation]:
    if Column.IMAGE_ID not in table:
        return
    checks: list[tuple[Rule, str, pd.Series[bool]]] = []
    if Column.LABEL in table and label_values:
        label = violations.without_decimals(table[Column.LABEL])
        checks.append((UNKNOWN_VALUE, Column.LABEL, (label != "") & ~label.isin(list(label_values))))
    if Column.CASE in table:
        checks.append((NO_CASE, Column.CASE, table[Column.CASE] == ""))
    for rule, column, where in checks:
        for row, image_id, cell in table.loc[where, [Column.IMAGE_ID, column]].itertuples(name=None):
            yield violation(rule, int(row), column, cell, image_id=image_id)


def _typed(table: pd.DataFrame, label_values: Mapping[str, str]) -> pd.DataFrame:
    frame: pd.DataFrame = table.reset_index(drop=True)
    if Column.LABEL in frame and label_values:
        frame[Column.LABEL] = violations.without_decimals(frame[Column.LABEL]).replace(dict(label_values))
    if "age" in frame:
        frame["age"] = violations.as_age(frame["age"])
    if "gender" in frame:
        frame["gender"] = frame["gender"].replace(GENDER_SPELLINGS)
    if Column.CENTER in frame:
        frame[Column.CENTER] = violations.without_decimals(frame[Column.CENTER])
    frame = _with_flags(frame)
    first = [name for name in USED if name in frame]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def _with_flags(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep a group of flags as BTXRD has it where it is whole; a part of one must not pass for all there is."""
    for group in _FLAG_GROUPS:
        present = [name for name in group if name in frame]
        cells = frame[present].apply(violations.without_decimals)
        if len(present) == len(group) and cells.isin(["0", "1"]).to_numpy().all():
            frame[present] = cells.astype("int64")
        else:
            frame = frame.rename(columns={name: f"{name} (table)" for name in present})
    return frame
