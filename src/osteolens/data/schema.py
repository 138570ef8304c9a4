"""The BTXRD metadata: a table is read, checked against the 37 columns, and given labels by the label rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.data import rules, violations
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
from osteolens.data.table_files import Cells, read_cells
from osteolens.domain import BENIGN, IMAGE_SUFFIXES, MALIGNANT, NORMAL, Column, image_stem
from osteolens.errors import DataError

__all__ = [
    "COLUMNS",
    "COLUMN_NAMES",
    "REGIONS",
    "SITES",
    "SUBTYPES",
    "VIEWS",
    "ImageFiles",
    "Metadata",
    "MetadataError",
    "check_metadata",
    "find_images",
    "read_metadata",
    "sound_cells",
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
        value, severity (``error`` or ``warning``), message.
    """

    frame: pd.DataFrame
    violations: pd.DataFrame


class MetadataError(DataError):
    """A metadata table breaks the schema in a way that makes labels or identities doubtful.

    Attributes
    ----------
    violations
        All departures, errors and warnings, as in :class:`Metadata`.
    """

    def __init__(self, path: Path, found: pd.DataFrame) -> None:
        self.violations = found
        errors = found[found["severity"] == "error"]
        shown = "\n".join(_error_line(row) for row in errors.head(_SHOWN).itertuples())
        more = f"\n  and {len(errors) - _SHOWN} more." if len(errors) > _SHOWN else ""
        super().__init__(f"{path} has {len(errors)} error(s) to correct:\n{shown}{more}")


def read_metadata(path: Path) -> Metadata:
    """Read and check a metadata table, CSV or XLSX.

    Needed are ``image_id`` and either the flags ``benign`` and ``malignant`` or, for data other than BTXRD, a column
    ``label``. The flags decide the label: malignant, else benign, else normal.

    Raises
    ------
    MetadataError
        The table has errors; the message lists the first of them and their number, and the exception bears all
        violations. Lesser oddities are warnings in the result.
    DataError
        The file cannot be read at all.
    """
    return check_metadata(read_cells(path), path)


def sound_cells(path: Path) -> pd.DataFrame:
    """Return the cells of any table as text under the headings of its file, see :func:`read_cells`.

    Raises
    ------
    MetadataError
        Cells are merged, or rows have more cells than the heading.
    DataError
        The file cannot be read at all.
    """
    cells = read_cells(path)
    found = violations.as_table(cells.violations)
    if (found["severity"] == "error").any():
        raise MetadataError(path, found)
    return cells.table


def check_metadata(cells: Cells, path: Path) -> Metadata:
    """Check the cells that :func:`read_metadata` read, or that were read from `path` already."""
    table, repeated = _under_canonical_names(cells.table)
    found = violations.as_table([*cells.violations, *repeated, *violations.find(table)])
    if (found["severity"] == "error").any():
        raise MetadataError(path, found)
    return Metadata(_typed(table), found)


def _error_line(row: Any) -> str:
    where = [f"row {row.row}", row.image_id, f"column {row.column}" if row.column else ""]
    return f"  {', '.join(part for part in where if part)}: {row.message}"


def _under_canonical_names(table: pd.DataFrame) -> tuple[pd.DataFrame, list[violations.Violation]]:
    """Return the table under the release's column names, the first of each, and a violation for each repeated name."""
    table = table.rename(columns=canonical_name)
    is_repeated = table.columns.duplicated()
    repeated = [
        violations.violation(rules.REPEATED_COLUMN, violations.HEADING_ROW, name, name, told=name)
        for name in dict.fromkeys(table.columns[is_repeated])
    ]
    return table.loc[:, ~is_repeated], repeated


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
