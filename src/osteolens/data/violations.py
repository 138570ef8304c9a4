"""Every departure of a metadata table from the schema, in one table with row and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Literal

import pandas as pd

from osteolens.data.columns import (
    BENIGN_SUBTYPES,
    CENTERS,
    COLUMN_NAMES,
    FLAGS,
    GENDER_SPELLINGS,
    GENDERS,
    MALIGNANT_SUBTYPES,
    REGIONS,
    SITES,
    SUBTYPES,
    VIEWS,
    has_tumour_flags,
)
from osteolens.domain import BENIGN, MALIGNANT, NORMAL, Column, image_stem

AGE_RANGE = (0, 120)  # years
_HEADING_ROW = 1


@dataclass(frozen=True, slots=True)
class Violation:
    """One departure: `row` as a spreadsheet counts, the heading being row 1."""

    row: int
    image_id: str
    column: str
    severity: Literal["error", "warning"]
    message: str


def find(table: pd.DataFrame) -> pd.DataFrame:
    """Return all violations, in the order of the rows.

    Parameters
    ----------
    table
        Cells as text under the release's column names, indexed by spreadsheet row, with a column ``image_id``.

    Returns
    -------
    Columns row, image_id, column, severity (``error``: label or identity is in doubt; ``warning``), message.
    """
    checks = [_identities(table), _formulas(table), _labels(table), _ages(table)]
    if has_tumour_flags(table.columns):
        checks += [_flags(table), _absent_columns(table), _centers_and_genders(table), _groups(table)]
    found = [violation for check in checks for violation in check]
    found.sort(key=lambda violation: violation.row)
    names = [field.name for field in fields(Violation)]
    result: pd.DataFrame = pd.DataFrame([astuple(violation) for violation in found], columns=names)
    return result


def without_decimals(cells: pd.Series[str]) -> pd.Series[str]:
    """Return text in which a whole number bears no decimals: a spreadsheet may write 1 as ``1.0``."""
    return cells.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def as_age(cells: pd.Series[str]) -> pd.Series[float]:
    """Return years as float; NaN where a cell is empty, not a number, or outside 0 to 120."""
    ages: pd.Series[float] = pd.to_numeric(cells, errors="coerce").astype("float64")
    plausible: pd.Series[float] = ages.where(ages.between(*AGE_RANGE))
    return plausible


def _rows(
    table: pd.DataFrame, where: pd.Series[bool], column: str, severity: Literal["error", "warning"], message: str
) -> Iterator[Violation]:
    """Yield one violation per marked row; ``{value}`` in the message stands for the cell."""
    for row, image_id, cell in zip(
        table.index[where], table.loc[where, Column.IMAGE_ID], table.loc[where, column], strict=True
    ):
        yield Violation(int(row), image_id, column, severity, message.replace("{value}", repr(cell)))


def _identities(table: pd.DataFrame) -> Iterator[Violation]:
    ids = table[Column.IMAGE_ID]
    yield from _rows(table, ids == "", Column.IMAGE_ID, "error", "the image has no id.")
    first_row: dict[str, int] = {}
    for row, image_id in zip(table.index, ids, strict=True):
        first = first_row.setdefault(image_stem(image_id), int(row)) if image_id else row
        if first != row:
            message = f"the image is already in row {first}."
            yield Violation(int(row), image_id, Column.IMAGE_ID, "error", message)


def _formulas(table: pd.DataFrame) -> Iterator[Violation]:
    for column in table.columns:
        is_formula = table[column].str.startswith("=")
        yield from _rows(table, is_formula, column, "error", "{value} is a formula; paste its value instead.")


def _flags(table: pd.DataFrame) -> Iterator[Violation]:
    for column in FLAGS:
        if column in table.columns:
            wrong = ~without_decimals(table[column]).isin(["0", "1"]) & ~table[column].str.startswith("=")
            yield from _rows(table, wrong, column, "error", "must be 0 or 1, not {value}.")


def _labels(table: pd.DataFrame) -> Iterator[Violation]:
    if Column.LABEL in table.columns and not has_tumour_flags(table.columns):
        yield from _rows(table, table[Column.LABEL] == "", Column.LABEL, "error", "the image has no label.")
    if not has_tumour_flags(table.columns):
        return
    benign, malignant = _set(table, "benign"), _set(table, "malignant")
    yield from _rows(table, benign & malignant, "malignant", "error", "the tumour is both benign and malignant.")
    if Column.LABEL in table.columns:
        by_flags = pd.Series(NORMAL, index=table.index).mask(benign, BENIGN).mask(malignant, MALIGNANT)
        other = table[Column.LABEL] != by_flags
        yield from _rows(table, other, Column.LABEL, "error", "{value} contradicts the flags benign and malignant.")
    if "tumor" in table.columns:
        mismatch = _set(table, "tumor") != (benign | malignant)
        yield from _rows(table, mismatch, "tumor", "warning", "is {value}, against the flags benign and malignant.")


def _absent_columns(table: pd.DataFrame) -> Iterator[Violation]:
    for column in COLUMN_NAMES:
        if column not in table.columns:
            yield Violation(_HEADING_ROW, "", column, "warning", "the table has no such column.")


def _ages(table: pd.DataFrame) -> Iterator[Violation]:
    if "age" in table.columns:
        wrong = (table["age"] != "") & as_age(table["age"]).isna() & ~table["age"].str.startswith("=")
        low, high = AGE_RANGE
        message = f"{{value}} is not an age of {low} to {high} years; it counts as missing."
        yield from _rows(table, wrong, "age", "warning", message)


def _centers_and_genders(table: pd.DataFrame) -> Iterator[Violation]:
    if "center" in table.columns:
        unknown = ~without_decimals(table["center"]).isin(list(CENTERS))
        yield from _rows(table, unknown, "center", "warning", f"{{value}} is not one of {', '.join(CENTERS)}.")
    if "gender" in table.columns:
        unknown = ~table["gender"].isin([*GENDERS, *GENDER_SPELLINGS])
        yield from _rows(table, unknown, "gender", "warning", f"{{value}} is not one of {', '.join(GENDERS)}.")


def _groups(table: pd.DataFrame) -> Iterator[Violation]:
    """Check that groups of flags agree with each other and with the tumour flags."""
    benign, malignant = _set(table, "benign"), _set(table, "malignant")
    tumour = benign | malignant
    views, regions, sites, subtypes = (_count(table, group) for group in (VIEWS, REGIONS, SITES, SUBTYPES))
    for group, where, message in (
        (VIEWS, views == 0, "no view is given"),
        (VIEWS, views > 1, "more than one view is given"),
        (REGIONS, regions == 0, "no body region is given"),
        (REGIONS, regions > 1, "more than one body region is given"),
        (SITES, tumour & (sites == 0), "the tumour has no site"),
        (SITES, ~tumour & (sites > 0), "a site is given without a tumour"),
        (SUBTYPES, tumour & (subtypes == 0), "the tumour has no subtype"),
        (SUBTYPES, subtypes > 1, "the tumour has more than one subtype"),
        (SUBTYPES, ~tumour & (subtypes > 0), "a subtype is given without a tumour"),
        (
            BENIGN_SUBTYPES,
            ~benign & malignant & (_count(table, BENIGN_SUBTYPES) > 0),
            "a malignant tumour has a benign subtype",
        ),
        (
            MALIGNANT_SUBTYPES,
            ~malignant & benign & (_count(table, MALIGNANT_SUBTYPES) > 0),
            "a benign tumour has a malignant subtype",
        ),
    ):
        yield from _group_rows(table, group, where, message)


def _group_rows(table: pd.DataFrame, group: Sequence[str], where: pd.Series[bool], message: str) -> Iterator[Violation]:
    """Yield one violation per marked row, naming the flags of the group that are set (all of them if none is)."""
    present = [name for name in group if name in table.columns]
    if len(present) < len(group):
        return  # the absent columns are told once, not row by row
    flags = table.loc[where, present].apply(without_decimals) == "1"
    for row, values in zip(flags.index, flags.to_numpy(), strict=True):
        names = [name for name, value in zip(present, values, strict=True) if value]
        column = ", ".join(names or ([*present] if len(present) <= 3 else [present[0], "…", present[-1]]))
        yield Violation(int(row), str(table.loc[row, Column.IMAGE_ID]), column, "warning", f"{message}.")


def _set(table: pd.DataFrame, column: str) -> pd.Series[bool]:
    return without_decimals(table[column]) == "1"


def _count(table: pd.DataFrame, group: Sequence[str]) -> pd.Series[int]:
    present = [name for name in group if name in table.columns]
    counts: pd.Series[int] = (table[present].apply(without_decimals) == "1").sum(axis=1)
    return counts
