"""Which images belong to one patient's case, and where each image came from.

The release of BTXRD has no patient column. The table shipped here holds bare group numbers derived from the file names
that the authors list in their public code repository (SHUNHANYAO/BTXRD, ``detection task/Distribution``): a hospital's
case number, a Radiopaedia case, a MedPix name. Normal images of center 1 are named by sex and age only, so they are
grouped by sex and age: more merging than needed, which is the safe side. 1,403 groups for 3,746 images.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pandas as pd

from osteolens.data.own_files import known_stem
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table

CASE_TABLE_NAME = "cases.csv"
_SAME_DATA_SET = 0.95

logger = logging.getLogger("osteolens")


def builtin_cases() -> pd.DataFrame:
    """Return the BTXRD case table: image_id, case_id, grouping, source; one row for each of the 3,746 images."""
    return _resource("btxrd_cases.csv")


def builtin_published_split() -> pd.DataFrame:
    """Return the split of the BTXRD paper: image_id, split (train 2,995, val 751), label."""
    return _resource("btxrd_published_split.csv")


def builtin_original_hashes() -> pd.Series[str]:
    """Return the SHA-256 of each original file of the release, indexed by image stem."""
    table = _resource("btxrd_originals.csv")
    return pd.Series(table["orig_sha256"].to_numpy(), index=table[Column.IMAGE_ID].map(image_stem))


def is_btxrd(labels: Mapping[str, str]) -> bool:
    """Tell whether images are BTXRD's and not just named alike, by whether their labels agree with the release.

    Parameters
    ----------
    labels
        Image id to label.
    """
    release = builtin_published_split()
    known = dict(zip(release[Column.IMAGE_ID].map(image_stem), release[Column.LABEL], strict=True))
    agreeing = sum(known.get(image_stem(image_id)) == label for image_id, label in labels.items())
    return bool(labels) and agreeing / len(labels) >= _SAME_DATA_SET


def load_cases(image_ids: pd.Series[str], root: Path | None = None, table: str | None = None) -> pd.DataFrame:
    """Return case and source of each image.

    Parameters
    ----------
    image_ids
        File names or stems; of own data flat ids. A case table may name the images by their path too.
    root, table
        Data root and the name of a case table in it. Without a name, ``cases.csv`` in the root is used where it
        exists, else the built-in BTXRD table for the images it knows.

    Returns
    -------
    pandas.DataFrame
        case_id and source, in the order and with the index of `image_ids`. An image that no table knows is a case of
        its own (its stem) with source "".

    Raises
    ------
    DataError
        The data root's case table cannot be used, lists an image twice, or lists none of the images.
    """
    stems = image_ids.map(image_stem)
    images = set(stems)
    path = _table_path(root, table)
    frame = builtin_cases() if path is None else _read_cases(path)
    known = frame.assign(stem=[known_stem(name, images) for name in frame[Column.IMAGE_ID]])
    if repeated := sorted(known.loc[known["stem"].duplicated(), "stem"]):
        raise DataError(f"the case table lists {len(repeated)} image(s) twice, for example {repeated[0]}.")
    if path is not None:
        _check_matches(known, stems, path)
    known = known.set_index("stem")
    cases = stems.map(known[Column.CASE].where(known[Column.CASE] != "")).fillna(stems)
    source = stems.map(known[Column.SOURCE]).fillna("") if Column.SOURCE in known else ""
    return pd.DataFrame({Column.CASE: cases, Column.SOURCE: source}, index=image_ids.index)


def _table_path(root: Path | None, table: str | None) -> Path | None:
    """Return the data root's own case table, or None where the built-in one counts."""
    if root is None or (table is None and not (root / CASE_TABLE_NAME).is_file()):
        return None
    return root / (table or CASE_TABLE_NAME)


def _read_cases(path: Path) -> pd.DataFrame:
    frame = read_table(path)
    if missing := {Column.IMAGE_ID, Column.CASE} - set(frame.columns):
        raise DataError(f"the case table {path} lacks the column(s) {', '.join(sorted(missing))}.")
    return frame


def _check_matches(known: pd.DataFrame, stems: pd.Series[str], path: Path) -> None:
    """Refuse a table that lists none of the images: ids written another way would make every image its own case."""
    unlisted = stems[~stems.isin(known["stem"])]
    if unlisted.empty:
        return
    if len(unlisted) == len(stems):
        listed = "no image at all" if known.empty else known[Column.IMAGE_ID].iloc[0]
        raise DataError(
            f"the case table {path} lists none of the {len(stems)} image(s): it lists {listed}, and they are called "
            f"{stems.iloc[0]}. Use the same names."
        )
    logger.warning(
        "the case table %s does not list %d of %d images, for example %s; each counts as a case of its own.",
        *(path, len(unlisted), len(stems), unlisted.iloc[0]),
    )


def _resource(name: str) -> pd.DataFrame:
    with resources.as_file(resources.files("osteolens.data") / "resources" / name) as path:
        return read_table(path)
