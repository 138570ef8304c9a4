"""Every departure of a metadata table from the schema, in one table with row, column, value and sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

import pandas as pd

from osteolens.data import rules
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
from osteolens.data.rules import Rule, Severity
from osteolens.domain import BENIGN, MALIGNANT, NORMAL, Column, image_stem

AGE_RANGE = (0, 120)  # years
HEADING_ROW = 1
_KNOWN_EXTRAS = (Column.LABEL, Column.CASE, Column.SOURCE, Column.SPLIT)
_FORMULA_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")


@dataclass(frozen=True, slots=True)
class Violation:
    """One departure: `row` as a spreadsheet counts, the heading being row 1; `value` is what stands there."""

    row: int
    image_id: str
    column: str
    value: str
    severity: Severity
    message: str


def violation(rule: Rule, row: int, column: str, value: str = "", *, image_id: str = "", told: str = "") -> Violation:
    """Return a departure from a rule; `told` stands in the sentence instead of the quoted value."""
    message = rule.sentence.replace("{value}", told or repr(value))
    return Violation(row, image_id, column, value, rule.severity, message)


def find(table: pd.DataFrame, key: Callable[[str], str] = image_stem) -> list[Violation]:
    """Return the departures of the cells and of the set of columns.

    Parameters
    ----------
    table
        Cells as text under the release's column names, indexed by spreadsheet row.
    key
        What an image is known by later; two rows of one key are one image listed twice.
    """
    checks = [_needed(table)]
    if Column.IMAGE_ID in table.columns:
        checks.append(_identities(table, key))
    else:
        table = table.assign(**{Column.IMAGE_ID: ""})
    checks += [_unreadable_cells(table), _labels(table), _ages(table)]
    if has_tumour_flags(table.columns):
        checks += [_flags(table), _columns(table), _centers_and_genders(table), _groups(table), _normal_sites(table)]
    return [found for check in checks for found in check]


def as_table(found: Iterable[Violation]) -> pd.DataFrame:
    """Return columns row, image_id, column, value, severity, message, in the order of the rows."""
    names = [field.name for field in fields(Violation)]
    rows = [astuple(entry) for entry in sorted(found, key=lambda entry: entry.row)]
    table: pd.DataFrame = pd.DataFrame(rows, columns=names)
    return table


def without_decimals(cells: pd.Series[str]) -> pd.Series[str]:
    """Return text in which a whole number bears no decimals: a spreadsheet may write 1 as ``1.0``."""
    return cells.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def as_age(cells: pd.Series[str]) -> pd.Series[float]:
    """Return years as float; NaN where a cell is empty, not a number, or outside 0 to 120."""
    ages: pd.Series[float] = pd.to_numeric(cells, errors="coerce").astype("float64")
    plausible: pd.Series[float] = ages.where(ages.between(*AGE_RANGE))
    return plausible


def _rows(table: pd.DataFrame, where: pd.Series[bool], column: str, rule: Rule) -> Iterator[Violation]:
    """Yield one violation per marked row."""
    for row, image_id, cell in zip(
        table.index[where], table.loc[where, Column.IMAGE_ID], table.loc[where, column], strict=True
    ):
        yield violation(rule, int(row), column, cell, image_id=image_id)


def _needed(table: pd.DataFrame) -> Iterator[Violation]:
    """Check for what the table cannot be used without."""
    found = ", ".join(map(str, table.columns[:8]))
    if Column.IMAGE_ID not in table.columns:
        yield violation(rules.NO_ID_COLUMN, HEADING_ROW, Column.IMAGE_ID, found)
    if Column.LABEL not in table.columns and not has_tumour_flags(table.columns):
        yield violation(rules.NO_LABEL_COLUMN, HEADING_ROW, Column.LABEL, found)
    if table.empty:
        yield violation(rules.NO_ROWS, HEADING_ROW, "")


def _identities(table: pd.DataFrame, key: Callable[[str], str]) -> Iterator[Violation]:
    ids = table[Column.IMAGE_ID]
    yield from _rows(table, ids == "", Column.IMAGE_ID, rules.EMPTY_ID)
    first_row: dict[str, int] = {}
    for row, image_id in zip(table.index, ids, strict=True):
        first = first_row.setdefault(key(image_id), int(row)) if image_id else row
        if first != row:
            column = Column.IMAGE_ID
            yield violation(rules.REPEATED_ID, int(row), column, image_id, image_id=image_id, told=str(first))


def _unreadable_cells(table: pd.DataFrame) -> Iterator[Violation]:
    for column in table.columns:
        yield from _rows(table, table[column].str.startswith("="), column, rules.FORMULA)
        yield from _rows(table, table[column].isin(_FORMULA_ERRORS), column, rules.FAILED_FORMULA)
        yield from _rows(table, table[column].str.contains("\ufffd"), column, rules.NOT_UTF8)


def _is_told_already(cells: pd.Series[str]) -> pd.Series[bool]:
    return cells.str.startswith("=") | cells.isin(_FORMULA_ERRORS) | cells.str.contains("\ufffd")


def _flags(table: pd.DataFrame) -> Iterator[Violation]:
    for column in FLAGS:
        if column in table.columns:
            wrong = ~without_decimals(table[column]).isin(["0", "1"]) & ~_is_told_already(table[column])
            yield from _rows(table, wrong, column, rules.FLAG)


def _labels(table: pd.DataFrame) -> Iterator[Violation]:
    if not has_tumour_flags(table.columns):
        if Column.LABEL in table.columns:
            yield from _rows(table, table[Column.LABEL] == "", Column.LABEL, rules.EMPTY_LABEL)
        return
    benign, malignant = _set(table, "benign"), _set(table, "malignant")
    yield from _rows(table, benign & malignant, "malignant", rules.BENIGN_AND_MALIGNANT)
    if Column.LABEL in table.columns:
        by_flags = pd.Series(NORMAL, index=table.index).mask(benign, BENIGN).mask(malignant, MALIGNANT)
        yield from _rows(table, table[Column.LABEL] != by_flags, Column.LABEL, rules.LABEL_AGAINST_FLAGS)
    if "tumor" in table.columns:
        yield from _rows(table, _set(table, "tumor") != (benign | malignant), "tumor", rules.TUMOR)


def _columns(table: pd.DataFrame) -> Iterator[Violation]:
    for column in COLUMN_NAMES:
        if column not in table.columns:
            yield violation(rules.ABSENT_COLUMN, HEADING_ROW, column)
    for column in table.columns:
        if column not in COLUMN_NAMES and column not in _KNOWN_EXTRAS:
            yield violation(rules.UNKNOWN_COLUMN, HEADING_ROW, column, column)


def _ages(table: pd.DataFrame) -> Iterator[Violation]:
    if "age" in table.columns:
        wrong = (table["age"] != "") & as_age(table["age"]).isna() & ~_is_told_already(table["age"])
        yield from _rows(table, wrong, "age", rules.AGE)


def _centers_and_genders(table: pd.DataFrame) -> Iterator[Violation]:
    for column, known, rule in (
        ("center", [*CENTERS], rules.CENTER),
        ("gender", [*GENDERS, *GENDER_SPELLINGS], rules.GENDER),
    ):
        if column in table.columns:
            unknown = ~without_decimals(table[column]).isin(known) & ~_is_told_already(table[column])
            yield from _rows(table, unknown, column, rule)


def _groups(table: pd.DataFrame) -> Iterator[Violation]:
    """Check that groups of flags agree with each other and with the tumour flags."""
    benign, malignant = _set(table, "benign"), _set(table, "malignant")
    tumour = benign | malignant
    views, regions, sites, subtypes = (_count(table, group) for group in (VIEWS, REGIONS, SITES, SUBTYPES))
    for group, where, rule in (
        (VIEWS, views == 0, rules.NO_VIEW),
        (VIEWS, views > 1, rules.VIEWS),
        (REGIONS, regions == 0, rules.NO_REGION),
        (REGIONS, regions > 1, rules.REGIONS),
        (SITES, tumour & (sites == 0), rules.NO_SITE),
        (SITES, tumour & (sites > 1), rules.SITES),
        (SITES, ~tumour & (sites > 0), rules.SITE_OF_NORMAL),
        (SUBTYPES, tumour & (subtypes == 0), rules.NO_SUBTYPE),
        (SUBTYPES, subtypes > 1, rules.SUBTYPES),
        (SUBTYPES, ~tumour & (subtypes > 0), rules.SUBTYPE_OF_NORMAL),
        (
            BENIGN_SUBTYPES,
            ~benign & malignant & (_count(table, BENIGN_SUBTYPES) > 0),
            rules.BENIGN_SUBTYPE_OF_MALIGNANT,
        ),
        (
            MALIGNANT_SUBTYPES,
            ~malignant & benign & (_count(table, MALIGNANT_SUBTYPES) > 0),
            rules.MALIGNANT_SUBTYPE_OF_BENIGN,
        ),
    ):
        yield from _group_rows(table, group, where, rule)


def _group_rows(table: pd.DataFrame, group: Sequence[str], where: pd.Series[bool], rule: Rule) -> Iterator[Violation]:
    """Yield one violation per marked row, naming the flags of the group that are set (all of them if none is)."""
    if not set(group) <= set(table.columns):
        return  # the absent columns are told once, not row by row
    flags = table.loc[where, list(group)].apply(without_decimals) == "1"
    for row, values in zip(flags.index, flags.to_numpy(), strict=True):
        names = [name for name, value in zip(group, values, strict=True) if value]
        value = ", ".join(["1"] * len(names)) or "all 0"
        image_id = str(table.loc[row, Column.IMAGE_ID])
        yield violation(rule, int(row), ", ".join(names) or _abbreviated(group), value, image_id=image_id)


def _normal_sites(table: pd.DataFrame) -> Iterator[Violation]:
    """Tell once, not row by row, that normal images lack a site: in the release all of them do."""
    normal = ~(_set(table, "benign") | _set(table, "malignant"))
    without = normal & (_count(table, SITES) == 0)
    if set(SITES) <= set(table.columns) and without.any():
        value = f"{without.sum():,} of {normal.sum():,}"
        yield violation(rules.NORMALS_WITHOUT_SITE, HEADING_ROW, _abbreviated(SITES), value, told=value)


def _abbreviated(group: Sequence[str]) -> str:
    return ", ".join(group if len(group) <= 3 else [group[0], "…", group[-1]])


def _set(table: pd.DataFrame, column: str) -> pd.Series[bool]:
    return without_decimals(table[column]) == "1"


def _count(table: pd.DataFrame, group: Sequence[str]) -> pd.Series[int]:
    present = [name for name in group if name in table.columns]
    counts: pd.Series[int] = (table[present].apply(without_decimals) == "1").sum(axis=1)
    return counts
