"""What tables say of images whose files may be elsewhere: label, case, origin and subgroups, joined by image."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

import pandas as pd

from osteolens.config import DataOptions
from osteolens.data.cases import is_btxrd, load_cases
from osteolens.data.image_facts import SUBGROUP_FLAGS, image_metadata, subgroup_columns
from osteolens.data.own_files import known_stem
from osteolens.data.radiographs import RadiographSet
from osteolens.data.sources import check_table
from osteolens.data.table_files import read_cells
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError

SUBGROUPS = ("age", "gender", *SUBGROUP_FLAGS, "lesion_area")
FACTS = (Column.LABEL, Column.CASE, Column.CENTER, Column.SOURCE, *SUBGROUPS)


def read_labels(path: Path, options: DataOptions) -> pd.DataFrame:
    """Read any table that the metadata of a data root may be; none of its images is looked for.

    Returns
    -------
    pandas.DataFrame
        Text: image_id, those of :data:`FACTS` that the table has, and its column split.

    Raises
    ------
    DataError
        The file cannot be read, or labels or identities are in doubt.
    """
    cells = read_cells(path)
    frame = check_table(cells, path, options)[0].frame
    facts = {name: frame[name] for name in (Column.IMAGE_ID, *FACTS) if name in frame}
    facts |= {name: pd.Series(column) for name, column in subgroup_columns(frame).items()}
    parts = [position for position, name in enumerate(cells.table.columns) if name.lower() == Column.SPLIT]
    if len(parts) > 1:
        raise DataError(f"{path} has more than one column {Column.SPLIT}. Keep one of them.")
    if parts:
        facts[Column.SPLIT] = cells.table.iloc[:, parts[0]].reset_index(drop=True)
    return pd.DataFrame(facts)


def facts_of(data: RadiographSet) -> pd.DataFrame:
    """Return what a data set says of its images, as text: image_id and :data:`FACTS`; no case where none is known."""
    metadata = image_metadata(data)
    area = metadata["lesion_area"]
    metadata["lesion_area"] = area.map(repr).where(area.notna(), "")
    of_set = data.frame[[name for name in FACTS if name in data.frame and name not in metadata]]
    facts: pd.DataFrame = metadata.join(of_set)
    is_own_case = facts[Column.CASE] == facts[Column.IMAGE_ID].map(image_stem)
    facts[Column.CASE] = facts[Column.CASE].mask(is_own_case, "")
    return facts


def keyed(frame: pd.DataFrame, known: Container[str], name: str) -> pd.DataFrame:
    """Return a table indexed by image: its stem, or its path as one name, whichever `known` has.

    Parameters
    ----------
    name
        What the table is called in messages.

    Raises
    ------
    DataError
        A row names no image, or two rows mean one image.
    """
    ids = frame[Column.IMAGE_ID]
    if (empty := ids.str.strip() == "").any():
        raise DataError(f"{name} has {int(empty.sum())} row(s) without the name of an image. Fill in or remove them.")
    stems = pd.Index([known_stem(image_id, known) for image_id in ids], name="image")
    if (twice := stems.duplicated(keep=False)).any():
        first = stems[twice][0]
        rows = " and ".join(ids[stems == first].head(2))
        raise DataError(
            f"{name} names {stems[twice].nunique()} image(s) more than once, for example {rows}: both mean {first}. "
            "Keep one row for each image."
        )
    return frame.set_axis(stems, axis=0)


def first_known(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return, for every image of any table, what the first of them says that says anything.

    Parameters
    ----------
    tables
        Text, indexed by image; columns other than :data:`FACTS` are left out.
    """
    names = [name for name in FACTS if any(name in table for table in tables)]
    rows = pd.concat([table.reindex(columns=names) for table in tables])
    return rows.mask(rows == "").groupby(level=0, sort=False).first().fillna("").astype(str)


def with_cases(images: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Fill in the case and the source of BTXRD's images from the built-in table, and make every other image a case.

    Parameters
    ----------
    images
        Indexed by image, with the column label.

    Returns
    -------
    tuple
        The table with case_id, center and source, and whether the case of each image is known.
    """
    absent = [name for name in (Column.CASE, Column.CENTER, Column.SOURCE) if name not in images]
    images = images.assign(**dict.fromkeys(absent, ""))
    labels = images.loc[images[Column.LABEL] != "", Column.LABEL]
    if is_btxrd({str(image): label for image, label in labels.items()}):
        release = load_cases(images.index.to_series())
        release[Column.CASE] = release[Column.CASE].mask(release[Column.CASE] == images.index, "")
        for name in (Column.CASE, Column.SOURCE):
            images[name] = images[name].where(images[name] != "", release[name])
    is_known = images[Column.CASE] != ""
    images[Column.CASE] = images[Column.CASE].where(is_known, images.index)
    return images, is_known
