"""What is known of each image beside its pixels, joined from plain tables by image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from osteolens.domain import Column, image_stem
from osteolens.errors import EvaluationError
from osteolens.evaluation.predictions import PredictionsTable, as_text

NUMBERS = ("age", "lesion_area", "width", "height", "bytes")  # all other columns are read as text
JOINED = ("view", "region", "site", "subtype")  # several values in one cell are joined by "+"


@dataclass(frozen=True, slots=True, eq=False)
class ImageFacts:
    """A predictions table with what else is known of its images and of those trained on.

    Attributes
    ----------
    table
        One part of a predictions table; its cases, centers and sources are the manifest's where there is one.
    evaluated
        One row per row of `table`, indexed by image. Columns of :data:`NUMBERS` are floats, NaN where not known;
        all others are text, ``""`` where not known.
    train
        The same of the train part, sorted by image; None without a manifest.
    """

    table: PredictionsTable
    evaluated: pd.DataFrame
    train: pd.DataFrame | None


def gather_facts(
    table: PredictionsTable,
    manifest: pd.DataFrame | None = None,
    metadata: pd.DataFrame | None = None,
    headers: pd.DataFrame | None = None,
) -> ImageFacts:
    """Join what is known of the evaluated and the train images.

    Images are matched without suffix, since a release may say ``.jpg`` in one place and ``.jpeg`` in another. Of a
    column that several tables have, the manifest's counts, then that of `metadata`, of `headers`, of `table` itself.

    Parameters
    ----------
    table
        The evaluated part only.
    manifest
        Columns image_id, split and label, and where known case_id, center and source; all parts, train among them.
    metadata
        Column image_id and any of age (years), gender, view, region, site, subtype (text, several joined by ``+``)
        and lesion_area (share of the image, 0 to 1).
    headers
        Columns image_id, width, height (pixels), mode (colour mode) and bytes (size of the file).

    Raises
    ------
    EvaluationError
        A table lacks image_id or lists an image twice; `table` holds several parts; or the manifest has no train
        part, lacks an evaluated image, says another label of it, has it in train, or has an unknown class.
    """
    if len(table.splits) > 1:
        raise EvaluationError(
            f"the table holds the splits {', '.join(table.splits)}; figures of a mixture mean nothing. "
            "Choose one with part()."
        )
    own = _keyed(table.frame, "the predictions table")
    named = {"the metadata table": metadata, "the table of headers": headers}
    tables = [_keyed(frame, name) for name, frame in named.items() if frame is not None]
    if manifest is None:
        return ImageFacts(table, _typed(_joined(own, tables)), None)
    parts = _keyed(manifest, "the manifest")
    _check_manifest(parts, own, table.class_names)
    train = parts[parts[Column.SPLIT] == "train"].sort_index()
    evaluated = _typed(_joined(parts.loc[own.index], [*tables, own]))
    of_manifest = {name: evaluated[name].to_numpy() for name in (Column.CASE, Column.CENTER, Column.SOURCE)}
    return ImageFacts(
        PredictionsTable(table.class_names, table.frame.assign(**of_manifest)),
        evaluated,
        _typed(_joined(train, tables)),
    )


def _keyed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the table with its types, indexed by image."""
    if Column.IMAGE_ID not in frame:
        raise EvaluationError(f"{name} has no column {Column.IMAGE_ID}; it has {', '.join(map(str, frame.columns))}.")
    keys = as_text(frame[Column.IMAGE_ID]).map(_image_key)
    if keys.duplicated().any():
        raise EvaluationError(
            f"{name} lists {int(keys.duplicated().sum())} image(s) more than once, for example "
            f"{keys[keys.duplicated()].iloc[0]}. Keep one row for each."
        )
    return _typed(frame.set_axis(pd.Index(keys.to_numpy(), name="image"), axis=0))


def _image_key(image_id: str) -> str:
    """Return the path without suffix: pictures of one name in two folders are two images."""
    path = PurePosixPath(image_id.replace("\\", "/"))
    return (path.parent / image_stem(path.name)).as_posix()


def _check_manifest(parts: pd.DataFrame, own: pd.DataFrame, class_names: tuple[str, ...]) -> None:
    if missing := [name for name in (Column.SPLIT, Column.LABEL) if name not in parts]:
        raise EvaluationError(f"the manifest has no column {' and no column '.join(missing)}.")
    if not (parts[Column.SPLIT] == "train").any():
        raise EvaluationError("the manifest has no train part, so nothing can be said of what was learnt from.")
    if strange := sorted(set(parts[Column.LABEL]) - set(class_names)):
        raise EvaluationError(
            f"the manifest has the label(s) {', '.join(map(str, strange))}, the predictions table has the classes "
            f"{', '.join(class_names)}. Name the manifest of this model."
        )
    unlisted = own.index.difference(parts.index)
    if len(unlisted):
        raise EvaluationError(f"the manifest does not list {len(unlisted)} evaluated image(s), such as {unlisted[0]}.")
    of_own = parts.loc[own.index]
    for wrong, what in (
        (of_own[Column.SPLIT] == "train", "has in its train part"),
        (of_own[Column.LABEL] != own[Column.LABEL], "gives another label to"),
    ):
        if wrong.any():
            raise EvaluationError(
                f"the manifest {what} {int(wrong.sum())} evaluated image(s), such as {own.index[wrong.to_numpy()][0]}. "
                "Name the manifest that the model was trained with."
            )


def _joined(rows: pd.DataFrame, others: list[pd.DataFrame]) -> pd.DataFrame:
    for other in others:
        rows = rows.join(other[[name for name in other if name not in rows]])
    return rows


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = {name: pd.to_numeric(rows[name], errors="coerce").astype(np.float64) for name in NUMBERS if name in rows}
    text = {str(name): as_text(rows[name]) for name in rows if name not in NUMBERS}
    typed: pd.DataFrame = pd.DataFrame({**text, **numbers}, index=rows.index)
    return typed
