"""Predict once: the evaluated parts of a manifest to a predictions table."""

from __future__ import annotations

from pathlib import Path

from osteolens.data.cache import cached_pictures
from osteolens.data.image_facts import subgroup_columns
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.errors import InferenceError
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.inference.network import Network


def predict_manifest(network: Network, data: RadiographSet, manifest: Manifest, cache_dir: Path) -> PredictionsTable:
    """Answer for every image of the val and test parts.

    Raises
    ------
    InferenceError
        The manifest's classes are not those of the checkpoint.
    """
    rows = manifest.frame[manifest.frame[Column.SPLIT] != "train"]
    if strangers := sorted(set(rows[Column.LABEL]) - set(network.class_names)):
        raise InferenceError(
            f"the manifest has the class(es) {', '.join(strangers)}, the checkpoint answers with "
            f"{', '.join(network.class_names)}. Choose the checkpoint that was trained for this data."
        )
    paths = [data.path(name) for name in rows[Column.IMAGE_ID]]
    pictures = cached_pictures(paths, network.record, cache_dir)
    carried = {name: rows[name].to_numpy() for name in (Column.SPLIT, Column.CASE, Column.CENTER, Column.SOURCE)}
    return PredictionsTable.from_arrays(
        network.class_names,
        image_ids=rows[Column.IMAGE_ID].to_numpy(),
        labels=rows[Column.LABEL].to_numpy(),
        probabilities=network.probabilities(pictures),
        **carried,
        **{Column.CHECKPOINT: network.sha256},
        **subgroup_columns(data.frame.set_index(Column.IMAGE_ID).loc[rows[Column.IMAGE_ID]]),
    )
