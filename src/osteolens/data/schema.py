"""The BTXRD metadata: a table is read, checked against the 37 columns, and given labels by the label rule."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from osteolens.data import violations
from osteolens.data.columns import (
    COLUMN_NAMES,
    COLUMNS,
    FLAGS,
    GENDER_SPELLINGS,
    REGIONS,
    SITES,
    SUBTYPES,
    VIEWS,
    canonical_name,
    has_tumour_flags,
)
from osteolens.domain import BENIGN, IMAGE_SUFFIXES, MALIGNANT, NORMAL, Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table

__all__ = [
    "COLUMNS",
    "COLUMN_NAMES",
    "REGIONS",
    "SITES",
    "SUBTYPES",
    "VIEWS",
    "ImageFiles",
    "Metadata",
    "find_images",
    "read_metadata",
]

_SHOWN = 20  # errors that a message lists before it only counts


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """A checked metadata table.

    Attributes
    ----------
    frame
        One row per image. BTXRD columns bear the names of the release (flags as 0 and 1, ``age`` in years or NaN,
        ``center`` and ``gender`` as text), followed by ``label`` and by further columns of the file as text.
    violations
        Every departure from the schema: row (as a spreadsheet counts, the heading being row 1), image_id, column,
        severity (``error`` or ``warning``), message.
    """

    frame: pd.DataFrame
    violations: pd.DataFrame


def read_metadata(path: Path) -> Metadata:
    """Read and check a metadata table, CSV or XLSX.

    Needed are ``image_id`` and either the flags ``benign`` and ``malignant`` or, for data other than BTXRD, a column
    ``label``. The flags decide the label: malignant, else benign, else normal.

    Raises
    ------
    DataError
        The file cannot be read, or rows break the schema in a way that makes labels or identities doubtful; the
        message lists the first of them and their number. Lesser oddities are warnings in the result.
    """
    table = _read_workbook(path) if path.suffix.lower() in {".xlsx", ".xlsm"} else _read_csv(path)
    table = table.rename(columns=canonical_name).apply(lambda column: column.str.strip())
    table = table[(table != "").any(axis=1)]
    _require_columns(table, path)
    found = violations.find(table)
    errors = found[found["severity"] == "error"]
    if len(errors):
        shown = "\n".join(
            f"  row {row.row}, {row.image_id or 'no image_id'}, column {row.column}: {row.message}"
            for row in errors.head(_SHOWN).itertuples()
        )
        more = f"\n  and {len(errors) - _SHOWN} more." if len(errors) > _SHOWN else ""
        raise DataError(f"{path} has {len(errors)} error(s) to correct:\n{shown}{more}")
    return Metadata(_typed(table), found.reset_index(drop=True))


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Which file belongs to which image of a table.

    Attributes
    ----------
    paths
        Image stem to file, in the order of the table.
    missing
        Images of the table without a file.
    unlisted
        Image files that the table does not name.
    """

    paths: dict[str, Path]
    missing: tuple[str, ...]
    unlisted: tuple[Path, ...]


def find_images(images_dir: Path, image_ids: Iterable[str]) -> ImageFiles:
    """Match files to image ids by stem, since a release may say ``.jpg`` in one place and ``.jpeg`` in another.

    Raises
    ------
    DataError
        The folder does not exist, or two files could be meant by one image id.
    """
    if not images_dir.is_dir():
        raise DataError(f"the image folder {images_dir} does not exist.")
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(images_dir.iterdir()):
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
            by_stem.setdefault(image_stem(path.name), []).append(path)
    paths: dict[str, Path] = {}
    missing: list[str] = []
    for image_id in image_ids:
        candidates = by_stem.get(image_stem(image_id), [])
        exact = [path for path in candidates if path.name == image_id]
        if len(candidates) > 1 and not exact:
            names = " and ".join(path.name for path in candidates)
            raise DataError(f"{images_dir}: {image_id} could be {names}. Remove one, or name it in full in the table.")
        if candidates:
            paths[image_stem(image_id)] = (exact or candidates)[0]
        else:
            missing.append(image_id)
    used = set(paths.values())
    unlisted = tuple(path for group in by_stem.values() for path in group if path not in used)
    return ImageFiles(paths, tuple(missing), unlisted)


def _read_csv(path: Path) -> pd.DataFrame:
    table = read_table(path)
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


def _read_workbook(path: Path) -> pd.DataFrame:
    """Read the first sheet as text, formulas as their text, so that none passes for a value."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore", UserWarning)  # openpyxl tells of styles and extensions it leaves out
            sheet = openpyxl.load_workbook(stream, read_only=True).worksheets[0]
            sheet.reset_dimensions()
            rows = [[_cell_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (OSError, ValueError, KeyError, IndexError, SyntaxError, BadZipFile, InvalidFileException) as error:
        raise DataError(f"{path} is not a readable Excel workbook: {error}.") from error
    width = max((len(row) for row in rows), default=0)
    padded = [row + [""] * (width - len(row)) for row in rows]
    used = [i for i in range(width) if any(row[i] for row in padded)]
    if not used:
        raise DataError(f"{path} holds an empty sheet. The table must be on the first sheet.")
    heading, *body = ([row[i] for i in used] for row in padded)
    table: pd.DataFrame = pd.DataFrame(body, columns=heading, index=range(2, len(body) + 2), dtype=str)
    return table


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _require_columns(table: pd.DataFrame, path: Path) -> None:
    headings = list(table.columns)
    if repeated := sorted({name for name in headings if headings.count(name) > 1}):
        raise DataError(f"{path}: more than one column means {', '.join(repeated)}. Keep one of each.")
    if Column.IMAGE_ID not in headings:
        found = ", ".join(repr(name) for name in headings[:8])
        raise DataError(f"{path} has no column image_id; its columns are {found}. Name the images in such a column.")
    if Column.LABEL not in headings and not has_tumour_flags(headings):
        raise DataError(f"{path} must have the flags benign and malignant, or a column label; it has neither.")
    if table.empty:
        raise DataError(f"{path} holds no rows.")


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in the order of the release with their types, then the label, then the rest."""
    known: Sequence[str] = [name for name in COLUMN_NAMES if name in table.columns]
    rest = [name for name in table.columns if name not in {*COLUMN_NAMES, Column.LABEL}]
    frame: pd.DataFrame = table[[*known]].reset_index(drop=True)
    for flag in (name for name in FLAGS if name in known):
        frame[flag] = violations.without_decimals(frame[flag]).astype("int64")
    if "age" in known:
        frame["age"] = violations.as_age(frame["age"])
    if "center" in known:
        frame["center"] = violations.without_decimals(frame["center"])
    if "gender" in known:
        frame["gender"] = frame["gender"].replace(GENDER_SPELLINGS)
    if has_tumour_flags(known):
        label = pd.Series(NORMAL, index=frame.index, dtype="str")
        label[frame["benign"] == 1] = BENIGN
        label[frame["malignant"] == 1] = MALIGNANT
    else:
        label = table[Column.LABEL].reset_index(drop=True)
    frame[Column.LABEL] = label
    frame[rest] = table[rest].reset_index(drop=True)
    return frame
