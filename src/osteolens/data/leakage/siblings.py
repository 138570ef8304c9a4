"""Which images are of one case, and which are known to be copies, without looking at a picture."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from osteolens.data.cases import builtin_cases, builtin_original_hashes, is_btxrd
from osteolens.data.leakage.table import posix
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import BTXRD_CLASSES, Column, image_stem
from osteolens.errors import DataError

_GROUP_COLUMN = "Name the column of the patient or case with --group-column."


def siblings(table: pd.DataFrame, path: Path, group_column: str | None, data: RadiographSet | None) -> pd.DataFrame:
    """Return, for each row of `table`, case_id and, for the images of BTXRD, duplicate: the hash of the original file.

    Parameters
    ----------
    path
        Where `table` came from, for messages.

    Raises
    ------
    DataError
        There is no such column, it has empty cells, or the case of an image is not known.
    """
    if group_column is not None and group_column not in table:
        raise DataError(f"{path} has no column {group_column}; it has {', '.join(table.columns)}.")
    column = group_column or (Column.CASE if Column.CASE in table else None)
    if column is not None:
        if (table[column] == "").any():
            raise DataError(f"the column {column} of {path} has {int((table[column] == '').sum())} empty cell(s).")
        groups = pd.DataFrame({Column.CASE: table[column]})
    else:
        groups = pd.DataFrame({Column.CASE: _looked_up(table, path, data)})
    copies = _known_copies(table, data, labels_needed=column is not None)
    return groups if copies is None else groups.assign(duplicate=copies)


def _known_copies(table: pd.DataFrame, data: RadiographSet | None, *, labels_needed: bool) -> pd.Series[str] | None:
    """Return the hash of each image's original file, or None where the images are not those of BTXRD.

    Where `data` is given, its labels decide. With `labels_needed` the names alone are no proof, since other data sets,
    such as a phantom, use the same names.
    """
    stems, hashes = table[Column.IMAGE_ID].map(_stem), builtin_original_hashes()
    if stems.duplicated().any() or not stems.isin(hashes.index).all():
        return None
    if data is not None:
        labels = dict(zip(data.frame[Column.IMAGE_ID], data.frame[Column.LABEL], strict=True))
        return stems.map(hashes) if is_btxrd(labels) else None
    if Column.LABEL not in table:
        return None if labels_needed else stems.map(hashes)
    return stems.map(hashes) if _agrees(table) or not (labels_needed or _same_classes(table)) else None


def stems_of(table: pd.DataFrame, path: Path) -> pd.Series[str]:
    """Return the file name without suffix of each image, by which it is looked up in other tables.

    Raises
    ------
    DataError
        Two images differ by their folder only.
    """
    stems = table[Column.IMAGE_ID].map(_stem)
    if stems.duplicated().any():
        example = " and ".join(table.loc[stems == stems[stems.duplicated()].iloc[0], Column.IMAGE_ID].head(2))
        raise DataError(
            f"{path} has images that differ only by their folder, such as {example}. They cannot be looked up by "
            f"their file name. {_GROUP_COLUMN} Pictures are found by their whole path with --images."
        )
    return stems


def _looked_up(table: pd.DataFrame, path: Path, data: RadiographSet | None) -> pd.Series[str]:
    stems = stems_of(table, path)
    known, where = (data.frame, "the data set") if data is not None else (builtin_cases(), "BTXRD")
    case_of = dict(zip(known[Column.IMAGE_ID].map(image_stem), known[Column.CASE], strict=True))
    if strangers := sorted(set(stems) - set(case_of)):
        raise DataError(
            f"{path} lists {len(strangers)} image(s) that are not in {where}, for example {strangers[0]}. "
            f"{_GROUP_COLUMN}"
        )
    if data is None and Column.LABEL in table and _same_classes(table) and not _agrees(table):
        raise DataError(
            f"{path} names its images like BTXRD, but their labels are others, so BTXRD's cases are not theirs. "
            f"{_GROUP_COLUMN}"
        )
    return stems.map(case_of)


def _agrees(table: pd.DataFrame) -> bool:
    return is_btxrd(dict(zip(table[Column.IMAGE_ID].map(_stem), table[Column.LABEL], strict=True)))


def _same_classes(table: pd.DataFrame) -> bool:
    return set(table[Column.LABEL]) <= set(BTXRD_CLASSES)


def _stem(image_id: str) -> str:
    return image_stem(posix(image_id).name)
