"""Somebody else's predictions, joined with what is known of their images into a predictions table."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from osteolens.data.known_images import SUBGROUPS, first_known, keyed, with_cases
from osteolens.data.schema import MetadataError
from osteolens.data.table_files import read_cells
from osteolens.data.violations import as_table
from osteolens.domain import Column
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.foreign_table import (
    class_columns,
    fact_columns,
    image_column,
    known_classes,
    plain,
    read_parts,
    read_probabilities,
)
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.foreign_images import KnownImages, division, naming

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
    """

    table: PredictionsTable
    manifest: pd.DataFrame | None
    metadata: pd.DataFrame
    caveats: tuple[str, ...]


def gather_predictions(path: Path, known: KnownImages, class_names: Sequence[str]) -> ForeignPredictions:
    """Read a table of predictions, find label, case and part of each image, and tell what is left out.

    Parameters
    ----------
    class_names
        Spelling and order of the classes, as far as the table and its labels have them.

    Raises
    ------
    DataError, EvaluationError
        See :func:`osteolens.experiments.foreign.evaluate_table`; the message names the file.
    """
    with naming(path):
        rows, own = _read(path, known)
        images = first_known([*known.tables.values(), own])
        images, classes = _labelled(images, own, known, class_names)
        columns = class_columns(rows.columns, classes, images.loc[rows.index, Column.LABEL])
        answers = pd.DataFrame(read_probabilities(rows, columns), index=rows.index, columns=list(columns))
        images, case_known = with_cases(images)
        parts = _parts(own, known)
        caveats = (*_unknown_cases(case_known[rows.index]), *_left_out(parts, images, known))
        for caveat in caveats:
            logger.warning("%s", caveat)
        evaluated = parts[parts != "train"]
        table = _table(answers.loc[evaluated.index], evaluated, images, own)
        metadata = images[[name for name in SUBGROUPS if name in images]].rename_axis(Column.IMAGE_ID).reset_index()
        return ForeignPredictions(table, division(images, evaluated, known), metadata, caveats)


def _read(path: Path, known: KnownImages) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells indexed by image, and those that say something beside the probabilities."""
    cells = read_cells(path)
    found = as_table(cells.violations)
    if (found["severity"] == "error").any():
        raise MetadataError(path, found)
    if cells.table.empty:
        raise EvaluationError("the table holds no image below its heading.")
    renamed = cells.table.rename(columns={image_column(cells.table.columns): Column.IMAGE_ID})
    rows = keyed(renamed, known.images, str(path))
    facts = fact_columns(rows.columns)
    return rows, rows[list(facts.values())].set_axis(list(facts), axis=1)


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
            f"{int(unlabelled.sum())} of {len(labels)} predicted images have no label in "
            f"{' or '.join(known.tables) or 'the table'} ({named(labels.index[unlabelled])}). Add the labels, or take "
            "these rows out yourself: what is left out silently could make the model look better than it is."
        )
    classes = known_classes(class_names, labels)
    images[Column.LABEL] = images[Column.LABEL].map(lambda label: classes.get(plain(label), label))
    if Column.LABEL in own:
        said = own[Column.LABEL].map(lambda label: classes.get(plain(label), label))
        if (other := (said != "") & (said != images.loc[own.index, Column.LABEL])).any():
            raise EvaluationError(
                f"{int(other.sum())} image(s) have another label here than in {' or '.join(known.tables)} "
                f"({named(own.index[other])}). Find out which is right, and take the other column out."
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
            f"{int(other.sum())} image(s) are in another part here than in the table of the split, such as {first}: "
            f"{parts[first]} here, {stated[first]} there. Give the split that the model was trained with."
        )
    return parts


def _unknown_cases(is_known: pd.Series[bool]) -> Iterator[str]:
    if unknown := int((~is_known).sum()):
        yield (
            f"No table says of {unknown} of {len(is_known)} predicted images which case (patient) they are of; each "
            f"counts as a case of its own, so images of one patient go unseen and intervals may be too narrow. Add a "
            f"column {Column.CASE}."
        )


def _left_out(parts: pd.Series[str], images: pd.DataFrame, known: KnownImages) -> Iterator[str]:
    """Yield which predictions are not evaluated, and which images could have been."""
    trained = int((parts == "train").sum())
    if trained == len(parts):
        raise EvaluationError(f"all {trained} predicted images are train images, so there is nothing to evaluate.")
    if trained:
        yield f"Of the predictions, {trained} are of train images and are left out."
    if known.parts.empty:
        wanted = images.index[images[Column.LABEL] != ""]
    else:
        wanted = known.parts.index[known.parts.isin(set(parts) - {"train"})]
        if strangers := sorted(set(parts.index) - set(known.parts.index)):
            yield (
                f"Of the {len(parts)} predicted images, {len(strangers)} are not in the table of the split "
                f"({named(strangers)}); they count as not trained on, so what is said of shared cases is the least "
                "there can be. Check that both tables use the same names."
            )
    if missing := sorted(set(wanted) - set(parts.index)):
        where = "labelled images" if known.parts.empty else "images of the evaluated parts"
        counts = images.loc[images.index.intersection(missing), Column.LABEL].value_counts().sort_index()
        classes = ", ".join(f"{count} {label}" for label, count in counts.items() if label)
        yield (
            f"Of the {where}, {len(missing)} have no prediction ({classes + ': ' if classes else ''}{named(missing)}); "
            "the figures say nothing of them, and leaving out wrong answers makes any model look better."
        )


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
