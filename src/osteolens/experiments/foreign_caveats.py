"""What the figures of anybody's predictions cannot tell because of what is missing or doubtful, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.data.cases import builtin_cases
from osteolens.domain import Column, image_stem
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.foreign_numbers import RENORMALISE_TOLERANCE
from osteolens.evaluation.foreign_table import are_stated, unread_classes
from osteolens.evaluation.predictions import SUM_TOLERANCE
from osteolens.experiments.foreign_images import KnownImages
from osteolens.wording import counted


def doubtful_classes(
    headings: Iterable[str], columns: Mapping[str, str], images: pd.DataFrame, class_names: Sequence[str]
) -> Iterator[str]:
    """Yield which classes nothing is labelled as, and which columns look like classes but are not read.

    Parameters
    ----------
    headings
        Of the predictions.
    columns
        Class to heading.
    images
        All known images with their label.
    """
    for name in sorted(set(columns) - set(images[Column.LABEL])):
        advice = "" if are_stated(class_names) else " If it is no class, take the column out or give class_names."
        yield (
            f"The column {columns[name]} is read as the probability of {name}, but no image is labelled {name}: "
            f"figures of this class, and means over all classes, are not defined.{advice}"
        )
    if are_stated(class_names) and (unread := unread_classes(headings, columns)):
        yield f"Not read, since class_names does not name it: {', '.join(unread)}."


def renormalised(sums: NDArray[np.float64]) -> Iterator[str]:
    """Yield how many rows were divided by their sum, from [N] sums."""
    off = np.abs(sums - 1)
    if changed := int((off > SUM_TOLERANCE).sum()):
        yield (
            f"The probabilities of {changed:,} of {counted(len(sums), 'image')} did not sum to 1 (off by up to "
            f"{off.max():.3f}; allowed was {RENORMALISE_TOLERANCE:g}) and were divided by their sum on request. "
            "Figures that rest on fine differences, such as calibration and AUC, are then those of rounded answers."
        )


def unknown_cases(is_known: pd.Series[bool]) -> Iterator[str]:
    """Yield of how many predicted images the case is not known.

    Parameters
    ----------
    is_known
        Whether the case is known, by image.
    """
    unknown = is_known.index[~is_known]
    if not len(unknown):
        return
    of = "any" if len(unknown) == len(is_known) else f"{len(unknown):,}"
    yield (
        f"No table says of {of} of {counted(len(is_known), 'predicted image')} which case (patient) they are of; each "
        "counts as a case of its own, so images of one patient go unseen and intervals may be too narrow. Add a column "
        f"{Column.CASE} to the labels, or name the column of the labels that tells it, such as "
        f"-o 'data.columns={{{Column.CASE}: patient}}'."
    )
    release = set(builtin_cases()[Column.IMAGE_ID].map(image_stem))
    if alike := sum(image in release for image in unknown):
        yield (
            f"Of these, {counted(alike, 'bears', 'bear')} the name of an image of BTXRD; its built-in cases count only "
            "where the labels are its own (Normal, Benign, Malignant)."
        )


def left_out(parts: pd.Series[str], images: pd.DataFrame, known: KnownImages) -> Iterator[str]:
    """Yield which predictions are not evaluated, and which images could have been.

    Parameters
    ----------
    parts
        Part of each predicted image.
    images
        All known images with their label.

    Raises
    ------
    EvaluationError
        Every predicted image is a train image, or none is in the table of the split.
    """
    if len(known.parts) and not known.parts.index.isin(parts.index).any():
        raise EvaluationError(
            f"no predicted image is in the table of the split: that lists {named(known.parts.index)}; predicted are "
            f"{named(parts.index)}. Use the same names. Where the images are from elsewhere, list them there as test."
        )
    trained = int((parts == "train").sum())
    if trained == len(parts):
        raise EvaluationError(
            f"{counted(trained, 'predicted image')}, all of the train part: there is nothing to evaluate."
        )
    if trained:
        yield f"Of the predictions, {counted(trained, 'is', 'are')} of train images and left out."
    if known.parts.empty:
        yield from _without_prediction(images.index[images[Column.LABEL] != ""], parts, images, "labelled images")
        return
    yield from _unlisted(parts, images, known)
    wanted = known.parts.index[known.parts.isin(set(parts) - {"train"})]
    yield from _without_prediction(wanted, parts, images, "images of the evaluated parts")


def _unlisted(parts: pd.Series[str], images: pd.DataFrame, known: KnownImages) -> Iterator[str]:
    """Yield which images the division does not have, though they are predicted or labelled."""
    listed = set(known.parts.index)
    if strangers := sorted(set(parts.index) - listed):
        yield (
            f"Of {counted(len(parts), 'predicted image')}, {counted(len(strangers), 'is', 'are')} not in the table of "
            f"the split ({named(strangers)}) and count as not trained on, so what is said of shared cases is the least "
            "there can be. Check that both tables use the same names."
        )
    labelled = set(images.index[images[Column.LABEL] != ""])
    if nowhere := sorted(labelled - listed - set(parts.index)):
        yield (
            f"Of {counted(len(labelled), 'labelled image')}, {counted(len(nowhere), 'is', 'are')} in no part of the "
            f"table of the split and without a prediction ({named(nowhere)}). If the model was trained on any of them, "
            "more cases are shared than is said here: the table must list every train image."
        )


def _without_prediction(
    wanted: pd.Index[str], parts: pd.Series[str], images: pd.DataFrame, where: str
) -> Iterator[str]:
    if missing := sorted(set(wanted) - set(parts.index)):
        counts = images.loc[images.index.intersection(missing), Column.LABEL].value_counts().sort_index()
        classes = "; ".join(f"label {label}: {count:,}" for label, count in counts.items() if label)
        yield (
            f"Of the {where}, {counted(len(missing), 'has', 'have')} no prediction "
            f"({classes + '; ' if classes else ''}{named(missing)}); the figures say nothing of them, and leaving out "
            "wrong answers makes any model look better."
        )
