"""A split manifest: which image belongs to which part, with everything needed to check it for leakage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from osteolens.domain import SPLIT_NAMES, Column, SplitName, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table, write_table

COLUMNS = (
    Column.IMAGE_ID,
    Column.SPLIT,
    Column.LABEL,
    Column.CASE,
    Column.CENTER,
    Column.SOURCE,
    Column.SCHEME,
    Column.SEED,
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One row per image, columns :data:`COLUMNS`; every image has one part, and there is a train part.

    Raises
    ------
    DataError
        A column is missing, an image is listed twice, or a part has an unknown name.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if missing := [name for name in COLUMNS if name not in self.frame.columns]:
            raise DataError(
                f"the manifest lacks the column(s) {', '.join(missing)}. A table of image_id and split alone becomes "
                "a manifest by naming it under data.split_files."
            )
        check_parts(self.frame, "the manifest")

    @property
    def evaluation_split(self) -> SplitName:
        """The part that figures are reported on: test, or val where the scheme has no test part."""
        return "test" if self.has("test") else "val"

    @property
    def selection_split(self) -> SplitName | None:
        """The part that epochs and thresholds are chosen on: val, or none where val is what is reported on."""
        return "val" if self.has("test") and self.has("val") else None

    def has(self, split: SplitName) -> bool:
        """Return whether any image is in this part."""
        return bool((self.frame[Column.SPLIT] == split).any())

    def part(self, split: SplitName) -> pd.DataFrame:
        """Return the rows of one part, in the manifest's order."""
        return self.frame[self.frame[Column.SPLIT] == split]

    def write(self, path: Path) -> Path:
        """Write as CSV."""
        return write_table(path, self.frame[list(COLUMNS)])


def read_manifest(path: Path) -> Manifest:
    """Read a manifest that ``osteolens split`` wrote."""
    return Manifest(read_table(path))


def check_parts(frame: pd.DataFrame, name: str, key: Callable[[str], str] = image_stem) -> None:
    """Raise :class:`DataError` unless `frame` gives each image exactly one known part, at least one of them train.

    Parameters
    ----------
    name
        What the table is called in messages.
    key
        What identifies an image; by default its file name without suffix, as everywhere within a data set.
    """
    if frame.empty:
        raise DataError(f"{name} is empty.")
    if unnamed := int((frame[Column.IMAGE_ID].str.strip() == "").sum()):
        raise DataError(f"{name} has {unnamed} row(s) without an {Column.IMAGE_ID}. Fill them in or remove them.")
    keys = frame[Column.IMAGE_ID].map(key)
    if keys.duplicated().any():
        raise DataError(_repeats(frame, keys, name))
    if unknown := sorted(set(frame[Column.SPLIT]) - set(SPLIT_NAMES)):
        raise DataError(f"{name} has the part(s) {', '.join(map(repr, unknown))}; use train, val and test.")
    if not (frame[Column.SPLIT] == "train").any():
        raise DataError(f"{name} has no train part, so nothing can be learnt or leak from it.")


def _repeats(frame: pd.DataFrame, keys: pd.Series[str], name: str) -> str:
    """Tell of images that are listed more than once: those in several parts first, since they are the worse ones."""
    repeated = frame[keys.duplicated(keep=False)]
    rows = repeated.groupby(keys)
    torn = rows[Column.SPLIT].agg(lambda parts: len(set(parts)) > 1).astype(bool)
    example = repeated[keys[repeated.index] == torn.sort_values(ascending=False, kind="stable").index[0]]
    listed = " and ".join(f"{row[Column.IMAGE_ID]} in {row[Column.SPLIT]!r}" for _, row in example.head(2).iterrows())
    parts = f"; {int(torn.sum())} of them in several parts" if torn.any() else ""
    return f"{name} lists {len(torn)} image(s) more than once, for example {listed}{parts}. Keep one row for each."
