"""Any CSV or workbook of image ids and parts as a checked table."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pandas as pd

from osteolens.data.manifest import check_parts
from osteolens.data.schema import sound_cells
from osteolens.data.table_files import WORKBOOK_SUFFIXES
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table

_KNOWN = (Column.IMAGE_ID, Column.SPLIT, Column.LABEL, Column.CASE)
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a ZIP, which .xlsx is, and the older .xls


def read_split_table(path: Path) -> pd.DataFrame:
    """Read a CSV, or the first sheet of a workbook, with at least the columns image_id and split.

    An image is known by its path without suffix, so pictures of one name in several folders are several images. Blanks
    around headings and cells mean nothing, and the columns that osteolens knows may be spelled in capitals.

    Raises
    ------
    DataError
        The file is missing, empty, a workbook under another suffix than its own, not UTF-8, lacks a column, lists an
        image twice, or has unknown parts or no train part.
    """
    is_workbook = path.suffix.lower() in WORKBOOK_SUFFIXES
    table = sound_cells(path).reset_index(drop=True) if is_workbook else _read_csv(path)
    table = table.rename(columns=_known_name)
    if missing := {Column.IMAGE_ID, Column.SPLIT} - set(table.columns):
        raise DataError(
            f"{path} lacks the column(s) {', '.join(sorted(missing))}; its heading has {', '.join(table.columns)}. "
            "Columns are separated by commas."
        )
    if (twice := table.columns.duplicated()).any():
        raise DataError(f"{path} has more than one column {table.columns[twice][0]}. Keep one of them.")
    table = table.apply(lambda column: column.str.strip())
    check_parts(table, str(path), _image_key)
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    _refuse_workbook(path)
    try:
        return read_table(path)
    except DataError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            raise DataError(f"{path} is not UTF-8 text. Save it again as CSV with the encoding UTF-8.") from error
        raise


def _known_name(heading: str) -> str:
    name = heading.strip()
    return name.lower() if name.lower() in _KNOWN else name


def _refuse_workbook(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            mark = stream.read(4)
    except OSError:  # read_table tells
        return
    if mark in _WORKBOOK_MARKS:
        raise DataError(f"{path} is an Excel workbook. Save it as .xlsx, or the sheet as CSV (UTF-8), and name that.")


def _image_key(image_id: str) -> str:
    return str(posix(image_id).parent / image_stem(image_id.replace("\\", "/")))


def posix(image_id: str) -> PurePosixPath:
    """Return an image id as a path, also where Windows wrote it."""
    return PurePosixPath(image_id.strip().replace("\\", "/"))
