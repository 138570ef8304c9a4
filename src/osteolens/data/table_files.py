"""A CSV or Excel file as cells of text, with what is wrong with the file itself told row by row."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from osteolens.data import rules
from osteolens.data.violations import HEADING_ROW, Violation, violation
from osteolens.errors import DataError

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MOST_CELLS = 20_000_000  # BTXRD has 140,000; a stray cell in the last corner of a sheet makes 17 thousand million
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What a file holds.

    Attributes
    ----------
    table
        Text without surrounding blanks, under the headings of the file, indexed by row as a spreadsheet counts.
        Empty rows and columns are left out.
    violations
        What is wrong with the file: its separator, merged cells, rows of another length.
    """

    table: pd.DataFrame
    violations: list[Violation]


def read_cells(path: Path) -> Cells:
    """Read the first sheet of a workbook, or a CSV separated by commas, semicolons or tabs.

    Bytes that are not UTF-8 become U+FFFD, so that the cells they stand in can be named.

    Raises
    ------
    DataError
        The file is missing, empty, or neither a CSV nor a workbook.
    """
    read = _read_workbook if path.suffix.lower() in WORKBOOK_SUFFIXES else _read_csv
    try:
        rows, found = read(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not rows:
        raise DataError(f"{path} is empty. The table must be at the top, on the first sheet of a workbook.")
    return _as_cells(rows, found)


def _read_csv(path: Path) -> tuple[list[Row], list[Violation]]:
    data = path.read_bytes()
    text = data.decode("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig", errors="replace")
    if "\0" in text:
        raise DataError(f"{path} is not a readable CSV table: it holds binary data.")
    heading = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=heading.count)
    found = []
    if separator != ",":
        found.append(violation(rules.SEPARATOR, HEADING_ROW, "", separator, told=_SEPARATORS[separator]))
    try:
        rows = _filled(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise DataError(f"{path} is not a readable CSV table: {error}. Look for a quote that is not closed.") from error
    return rows, found


def _read_workbook(path: Path) -> tuple[list[Row], list[Violation]]:
    """Read formulas as their text, so that none passes for a value."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore", UserWarning)  # openpyxl tells of styles and extensions it leaves out
            sheet = openpyxl.load_workbook(stream).worksheets[0]
    except (ValueError, KeyError, IndexError, SyntaxError, TypeError, BadZipFile, InvalidFileException) as error:
        raise DataError(f"{path} is not a readable Excel workbook: {error}.") from error
    if sheet.max_row * sheet.max_column > _MOST_CELLS:
        last = f"row {sheet.max_row:,} and column {sheet.max_column:,}"
        raise DataError(f"{path}: cells reach to {last}. Delete what stands far outside the table.")
    merged = [
        violation(rules.MERGED, area.min_row, "", str(area), told=str(area)) for area in sheet.merged_cells.ranges
    ]
    return _filled(map(_cell_text, row) for row in sheet.iter_rows(values_only=True)), merged


def _filled(rows: Iterable[Iterable[str]]) -> list[Row]:
    """Return the rows that hold anything, with their numbers."""
    stripped = ([cell.strip() for cell in row] for row in rows)
    return [(number, cells) for number, cells in enumerate(stripped, start=1) if any(cells)]


def _as_cells(rows: list[Row], found: list[Violation]) -> Cells:
    (_, heading), *body = rows
    width, named = len(heading), [i for i, name in enumerate(heading) if name]
    for number, cells in body:
        rule = rules.LONG_ROW if any(cells[width:]) else rules.SHORT_ROW
        if rule is rules.LONG_ROW or len(cells) <= named[-1]:
            lengths = f"{len(cells)} against {width}"
            found.append(violation(rule, number, "", lengths, told=lengths))
    padded = [(cells + [""] * width)[:width] for _, cells in body]
    for i in range(width):
        if not heading[i] and any(cells[i] for cells in padded):
            name = f"column {i + 1}"
            found.append(violation(rules.NAMELESS_COLUMN, HEADING_ROW, "", name, told=name))
    table: pd.DataFrame = pd.DataFrame(
        [[cells[i] for i in named] for cells in padded],
        columns=[heading[i] for i in named],
        index=[number for number, _ in body],
        dtype=str,
    )
    return Cells(table, found)


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(getattr(value, "text", value))  # an array formula is an object that bears its text
