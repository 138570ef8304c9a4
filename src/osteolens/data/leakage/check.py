"""leakcheck: from any CSV of image ids and parts, with or without the pictures, to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.data.leakage.measure import measure_leakage
from osteolens.data.leakage.pictures import compare_pictures, find_pictures, nearest_pairs
from osteolens.data.leakage.siblings import siblings, stems_of
from osteolens.data.leakage.table import read_split_table
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits.assignment import joined_groups
from osteolens.domain import Column


def manifest_leakage(manifest: Manifest, data: RadiographSet) -> dict[str, Any]:
    """Measure a manifest by its own cases and the contents of the data set's files; see :func:`measure_leakage`."""
    content = dict(zip(data.frame[Column.IMAGE_ID], data.content_hashes(), strict=True))
    frame = manifest.frame
    return measure_leakage(frame, frame[[Column.CASE]].assign(duplicate=frame[Column.IMAGE_ID].map(content)))


def leakcheck(
    path: Path,
    *,
    group_column: str | None = None,
    limit: float = 0.0,
    images: Path | None = None,
    data: RadiographSet | None = None,
) -> dict[str, Any]:
    """Measure, for any CSV of image ids and parts, which evaluation images have a sibling in the train part.

    A sibling is an image of the same case, a byte-identical copy, or, where pictures are given, one that looks alike.
    The byte-identical originals of BTXRD are known without its pictures.

    Parameters
    ----------
    group_column
        Column of the CSV that names the patient or case. By default ``case_id`` where the CSV has it, else the cases
        of `data`, else the built-in BTXRD case table.
    limit
        Largest share (0 to 1) of any evaluation part that may have a sibling of any kind in train.
    images
        Folder of the pictures, to find copies and look-alikes: by the path that the CSV gives, else by file name.
    data
        A data set, whose pictures are compared as with `images`.

    Returns
    -------
    dict
        As :func:`measure_leakage`; with pictures also ``pictures``: how many were compared, the ids of those that are
        missing or unreadable, and ``pairs``, the closest train image of each evaluation image that has one.

    Raises
    ------
    DataError
        The CSV cannot be checked, the cases are not known, or no picture is found.
    """
    table = read_split_table(path)
    groups = siblings(table, path, group_column, data)
    if images is not None:
        files = find_pictures(table, images)
    elif data is not None:
        files = [data.paths.get(stem) for stem in stems_of(table, path)]
    else:
        return measure_leakage(table, groups, limit=limit)
    found = compare_pictures(table, files)
    copies = found.content if "duplicate" not in groups else _joined(found.content, groups["duplicate"])
    groups = groups.assign(duplicate=copies, near=found.nearest.notna())
    result = measure_leakage(table, groups, limit=limit)
    result["pictures"] = {
        "compared": len(table) - len(found.missing) - len(found.unreadable),
        "missing": found.missing,
        "unreadable": found.unreadable,
        "pairs": nearest_pairs(table, found),
    }
    if unseen := len(found.missing) + len(found.unreadable):
        result["sentence"] += f" {unseen} of {len(table)} pictures could not be compared."
    return result


def _joined(first: pd.Series[str], second: pd.Series[str]) -> pd.Series[str]:
    """Images that are copies by either key are copies."""
    return pd.Series(joined_groups(first, second), index=first.index)
