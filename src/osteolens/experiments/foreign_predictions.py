"""Somebody else's predictions, joined with what is known of their images into a predictions table."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.data.known_images import SUBGROUPS, first_known, keyed, with_cases
from osteolens.data.schema import sound_cells
from osteolens.domain import Column
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.foreign_numbers import divided_by_sum, read_probabilities
from osteolens.evaluation.foreign_table import (
    are_stated,
    class_columns,
    fact_columns,
    image_column,
    known_classes,
    plain,
    read_parts,
)
from osteolens.evaluation.parts import evaluation_parts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.tied_answers import tied_answers
from osteolens.experiments.foreign_caveats import doubtful_classes, left_out, renormalised, unknown_cases
from osteolens.experiments.foreign_images import KnownImages, division, naming
from osteolens.experiments.foreign_origins import of_columns, taken_from
from osteolens.wording import counted

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True, eq=False)
class ForeignPredictions:
    """What :func:`osteolens.evaluation.evaluate.evaluate` takes.

    Attributes
    ----------
    table
        Predictions of all parts but train, in the order of their file; an image is called by its stem.
    manifest
        The same images and those that the model was trained on; None where these are not known.
    metadata
        Age, sex, region and the like of all known images.
    caveats
        What the figures cannot tell because of what is missing, in sentences.
    headings
        What the columns of the image's name and of each class are called in the file.
    taken_from
        Where cases and sources of the images of `table` come from, see
        :func:`osteolens.experiments.foreign_origins.taken_from`.
    """

    table: PredictionsTable
    manifest: pd.DataFrame | None
    metadata: pd.DataFrame
    caveats: tuple[str, ...]
    headings: dict[str, str]
    taken_from: dict[str, dict[str, int]]


def gather_predictions(
    path: Path, known: KnownImages, class_names: Sequence[str], *, renormalise: bool = False
) -> ForeignPredictions:
    """Read a table of predictions, find label, case and part of each image, and tell what is left out.

    Parameters
    ----------
    class_names
        The classes in their order; the default ones only as far as the table and its labels have them, see
        :func:`osteolens.evaluation.foreign_table.known_classes`.
    renormalise
        See :func:`osteolens.evaluation.foreign_numbers.read_probabilities`.

    Raises
    ------
    DataError, EvaluationError
        See :func:`osteolens.experiments.foreign.evaluate_table`; the message names the file.
    """
    with naming(path):
        rows, own, image_heading = _read(path, known)
        images = first_known([*known.tables.values(), own])
        images, classes = _labelled(images, own, known, class_names)
        labels, stated = images.loc[rows.index, Column.LABEL], are_stated(class_names)
        columns = class_columns(rows.columns, classes, labels, stated=stated)
        answers, sums = _answers(rows, columns, images, renormalise=renormalise)
        images, case_known = with_cases(images)
        parts = _parts(own, known)
    with naming(path if known.parts.empty else known.dividing):
        missing = tuple(left_out(parts, images, known))
        evaluated = parts[parts != "train"]
        divided = division(images, evaluated, known, list(columns))
    with naming(path):
        table = _table(answers.loc[evaluated.index], evaluated, images, own)
        ties = tuple(tied_answers(evaluation_parts(table)[0]))
    doubtful = doubtful_classes(rows.columns, columns, images, class_names)
    caveats = (*doubtful, *renormalised(sums), *ties, *unknown_cases(case_known[rows.index]), *missing)
    for caveat in caveats:
        logger.warning("%s", caveat)
    own_words = of_columns(fact_columns(rows.columns).items(), path.name, rows.index)
    given = [*((known.tables[name], known.words[name]) for name in known.tables), (own, own_words)]
    origins = taken_from(images.loc[evaluated.index], case_known, given)
    metadata = images[[name for name in SUBGROUPS if name in images]].rename_axis(Column.IMAGE_ID).reset_index()
    headings = {Column.IMAGE_ID: image_heading, **columns}
    return ForeignPredictions(table, divided, metadata, caveats, headings, origins)


def _read(path: Path, known: KnownImages) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the cells indexed by image, those that say something beside the probabilities, and the image's heading."""
    cells = sound_cells(path)
    if cells.empty:
        raise EvaluationError("the table holds no image below its heading.")
    heading = image_column(cells.columns)
    rows = keyed(cells.rename(columns={heading: Column.IMAGE_ID}), known.images, str(path))
    facts = fact_columns(rows.columns)
    return rows, rows[list(facts.values())].set_axis(list(facts), axis=1), heading


def _answers(
    rows: pd.DataFrame, columns: Mapping[str, str], images: pd.DataFrame, *, renormalise: bool
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the probabilities by image and class, and [N] the sums that the rows had."""
    values = read_probabilities(rows, columns, frozenset(images[Column.LABEL]), renormalise=renormalise)
    values, sums = divided_by_sum(values)
    return pd.DataFrame(values, index=rows.index, columns=list(columns)), sums


def _labelled(
    images: pd.DataFrame, own: pd.DataFrame, known: KnownImages, class_names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the images with labels spelled as the classes, and the classes by plain spelling."""
    if Column.LABEL not in images:
        raise EvaluationError(
            f"nothing gives the true labels. Name their table with --labels, or add a column {Column.LABEL}."
        )
    labels = images.loc[own.index, Column.LABEL]
    if (unlabelled := labels == "").any():
        raise EvaluationError(
            f"{int(unlabelled.sum())} of {counted(len(labels), 'predicted image')} have no label in "
            f"{' or '.join(known.tables) or 'the table'} ({named(labels.index[unlabelled])}). Add the labels, or take "
            "these rows out yourself: what is left out silently could make the model look better than it is."
        )
    classes = known_classes(class_names, labels)
    images[Column.LABEL] = images[Column.LABEL].map(lambda label: classes.get(plain(label), label))
    if Column.LABEL in own:
        said = own[Column.LABEL].map(lambda label: classes.get(plain(label), label))
        if (other := (said != "") & (said != images.loc[own.index, Column.LABEL])).any():
            raise EvaluationError(
                f"{counted(int(other.sum()), 'image has', 'images have')} another label here than in "
                f"{' or '.join(known.tables)} ({named(own.index[other])}). Find out which is right, and "
                "take the other column out."
            )
    return images, classes


def _parts(own: pd.DataFrame, known: KnownImages) -> pd.Series[str]:
    """Return the part of each predicted image: what its row says, else the table of the split, else test."""
    stated = known.parts.reindex(own.index).fillna("")
    if Column.SPLIT not in own or (own[Column.SPLIT] == "").all():
        return stated.where(stated != "", "test")
    parts = read_parts(own[Column.SPLIT])
    if (other := (stated != "") & (stated != parts)).any():
        first = parts.index[other][0]
        raise EvaluationError(
            f"{counted(int(other.sum()), 'image is', 'images are')} in another part here than in "
            f"{known.dividing}, such as {first}: {parts[first]} here, {stated[first]} there. Give the split that the "
            "model was trained with."
        )
    return parts


def _table(answers: pd.DataFrame, parts: pd.Series[str], images: pd.DataFrame, own: pd.DataFrame) -> PredictionsTable:
    """Return the predictions table of the images of `parts`."""
    rows = images.loc[parts.index]
    names = {plain(name): name for name in answers.columns}
    columns = {name: rows[name].to_numpy() for name in (Column.CASE, Column.CENTER, Column.SOURCE)}
    if Column.PREDICTED in own:
        said = own.loc[parts.index, Column.PREDICTED].map(plain)
        if said.isin([*names, ""]).all():
            columns[Column.PREDICTED] = said.map({**names, "": ""}).to_numpy()
        else:
            logger.warning("the column of answers is not read: it holds something else than the classes.")
    return PredictionsTable.from_arrays(
        list(answers.columns),
        image_ids=parts.index,
        labels=rows[Column.LABEL].to_numpy(),
        probabilities=answers.to_numpy(),
        split=parts.to_numpy(),
        **columns,
    )
