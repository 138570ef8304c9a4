"""What is known of the images that somebody else's model was evaluated on, and of those it was trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.config import DataOptions, OwnColumn
from osteolens.data.columns import canonical_name
from osteolens.data.known_images import facts_of, keyed, read_labels
from osteolens.data.leakage import measure_leakage
from osteolens.data.leakage.siblings import siblings
from osteolens.data.leakage.table import read_split_table
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits.assignment import joined_groups
from osteolens.data.table_files import read_cells
from osteolens.domain import Column, image_stem
from osteolens.errors import EvaluationError
from osteolens.evaluation.foreign_table import image_column, read_parts
from osteolens.experiments.foreign_origins import of_columns, of_data_set
from osteolens.wording import counted


@dataclass(frozen=True, slots=True, eq=False)
class KnownImages:
    """Tables beside the predictions, each indexed by image; of what several say, the first counts.

    Attributes
    ----------
    tables
        Name of the table to the table, all text.
    parts
        Image to train, val or test, as far as one of the tables divides its images.
    dividing
        Name of the table that the parts are of, or would be of.
    words
        Name of the table to where it tells cases and sources from, see
        :func:`osteolens.experiments.foreign_origins.of_columns`.
    """

    tables: dict[str, pd.DataFrame]
    parts: pd.Series[str]
    dividing: str
    words: dict[str, pd.DataFrame]

    @property
    def images(self) -> Container[str]:
        """All images of all tables."""
        return _images(self.tables)


def known_images(
    options: DataOptions,
    *,
    labels: Path | None = None,
    split_table: Path | None = None,
    data: RadiographSet | None = None,
) -> KnownImages:
    """Read what was given; see :func:`osteolens.experiments.foreign.evaluate_table`.

    The names of a data set's images count, then those of the labels; the others are matched to these.

    Raises
    ------
    DataError
        A table cannot be read, or names an image twice.
    """
    tables: dict[str, pd.DataFrame] = {}
    words: dict[str, pd.DataFrame] = {}
    if data is not None:
        facts = keyed(facts_of(data), frozenset(), str(options.root))
        tables[str(options.root)] = facts if labels is None else facts.drop(columns=Column.LABEL)
        words[str(options.root)] = of_data_set(data, options)
    if labels is not None:
        facts = keyed(read_labels(labels, _image_named(labels, options)), _images(tables), str(labels))
        tables = {str(labels): facts, **tables}
        words[str(labels)] = of_columns(options.columns.items(), labels.name, facts.index)
    if split_table is not None:
        facts = keyed(read_split_table(split_table), _images(tables), str(split_table))
        tables[str(split_table)] = facts
        words[str(split_table)] = of_columns((), split_table.name, facts.index)
    dividing = str(labels if split_table is None else split_table)
    return KnownImages(tables, _parts(tables.get(dividing), dividing), dividing, words)


def division(
    images: pd.DataFrame, parts: pd.Series[str], known: KnownImages, class_names: Sequence[str]
) -> pd.DataFrame | None:
    """Return the evaluated images and those that the model was trained on, or None where these are not known.

    Parameters
    ----------
    images
        All images with label, case_id, center and source.
    parts
        Part of each evaluated image.
    class_names
        Classes that have probabilities.

    Raises
    ------
    EvaluationError
        A train image has no label, or one that is none of the classes.
    """
    train = known.parts[known.parts == "train"]
    if train.empty:
        return None
    both = pd.concat([train, parts])
    columns = [Column.LABEL, Column.CASE, Column.CENTER, Column.SOURCE]
    rows = images.loc[both.index, columns].assign(**{Column.SPLIT: both})
    if (unlabelled := rows[Column.LABEL] == "").any():
        number, first = int(unlabelled.sum()), rows.index[unlabelled][0]
        raise EvaluationError(
            f"{counted(number, 'train image has', 'train images have')} no label, such as {first}. Add them to the "
            f"labels, or a column {Column.LABEL} to the table of the split."
        )
    if strange := sorted(set(rows[Column.LABEL]) - set(class_names)):
        raise EvaluationError(
            f"train images are labelled {', '.join(strange)}, but the predictions have no probability of that; found "
            f"{', '.join(class_names)}. Add the column, or label these images as the model was trained on them."
        )
    return rows.rename_axis(Column.IMAGE_ID).reset_index()


def division_leakage(divided: pd.DataFrame, data: RadiographSet | None) -> dict[str, Any]:
    """Measure a :func:`division` by its cases, the known copies in BTXRD, and the contents of the files of `data`."""
    groups = siblings(divided, Path(), None, None)
    if data is not None:
        stems = data.frame[Column.IMAGE_ID].map(image_stem)
        content = dict(zip(stems, data.content_hashes(), strict=True))
        copies = divided[Column.IMAGE_ID].map(lambda image: content.get(image, f"no file {image}"))
        known = [copies, groups["duplicate"]] if "duplicate" in groups else [copies]
        groups = groups.assign(duplicate=joined_groups(*known))
    return measure_leakage(divided, groups)


def _image_named(labels: Path, options: DataOptions) -> DataOptions:
    """Return options that know the heading of the image's name, where it is one that predictions may have too."""
    headings = read_cells(labels).table.columns
    if Column.IMAGE_ID in options.columns or Column.IMAGE_ID in map(canonical_name, headings):
        return options
    with naming(labels):
        columns: dict[OwnColumn, str] = {**options.columns, "image_id": image_column(headings)}
    return options.model_copy(update={"columns": columns})


def _images(tables: dict[str, pd.DataFrame]) -> Container[str]:
    return {image for table in tables.values() for image in table.index}


def _parts(table: pd.DataFrame | None, name: str) -> pd.Series[str]:
    if table is None or Column.SPLIT not in table or not (given := table[Column.SPLIT] != "").any():
        return pd.Series(dtype=str)
    with naming(name):
        return read_parts(table.loc[given, Column.SPLIT])


@contextlib.contextmanager
def naming(table: Path | str) -> Iterator[None]:
    """Begin the message of an :class:`EvaluationError` with the table that it is about."""
    try:
        yield
    except EvaluationError as error:
        raise EvaluationError(f"{table}: {error}") from error
