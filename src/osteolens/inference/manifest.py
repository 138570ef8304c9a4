"""Predict once: the evaluated parts of a manifest to a predictions table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from osteolens.data.cache import cached_pictures
from osteolens.data.columns import REGIONS, SITES, SUBTYPES, VIEWS
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.errors import InferenceError
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.inference.predictor import Predictor

SUBGROUP_FLAGS = {"site": SITES, "subtype": SUBTYPES, "region": REGIONS, "view": VIEWS}


def predict_manifest(
    predictor: Predictor, data: RadiographSet, manifest: Manifest, cache_dir: Path
) -> PredictionsTable:
    """Answer for every image of the val and test parts.

    Raises
    ------
    InferenceError
        The manifest's classes are not those of the checkpoint.
    """
    rows = manifest.frame[manifest.frame[Column.SPLIT] != "train"]
    if strangers := sorted(set(rows[Column.LABEL]) - set(predictor.class_names)):
        raise InferenceError(
            f"the manifest has the class(es) {', '.join(strangers)}, the checkpoint answers with "
            f"{', '.join(predictor.class_names)}. Choose the checkpoint that was trained for this data."
        )
    paths = [data.path(name) for name in rows[Column.IMAGE_ID]]
    pictures = cached_pictures(paths, predictor.record, cache_dir)
    carried = {name: rows[name].to_numpy() for name in (Column.SPLIT, Column.CASE, Column.CENTER, Column.SOURCE)}
    return PredictionsTable.from_arrays(
        predictor.class_names,
        image_ids=rows[Column.IMAGE_ID].to_numpy(),
        labels=rows[Column.LABEL].to_numpy(),
        probabilities=predictor.probabilities(pictures),
        **carried,
        **{Column.CHECKPOINT: predictor.sha256},
        **subgroup_columns(data.frame.set_index(Column.IMAGE_ID).loc[rows[Column.IMAGE_ID]]),
    )


def subgroup_columns(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return age, gender, site, subtype, region and view of each image as text, several joined by ``+``."""
    columns = {name: frame[name].map(_plain).tolist() for name in ("age", "gender") if name in frame}
    for name, flags in SUBGROUP_FLAGS.items():
        present = [flag for flag in flags if flag in frame]
        if present:
            marked = frame[present].to_numpy() == 1
            columns[name] = ["+".join(flag for flag, on in zip(present, row, strict=True) if on) for row in marked]
    return columns


def _plain(value: object) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing for a missing value."""
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
