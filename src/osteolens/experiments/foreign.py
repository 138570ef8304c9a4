"""Figures of a predictions table that osteolens did not make."""

from __future__ import annotations

from pathlib import Path

from osteolens.config import Config
from osteolens.data.headers import image_headers
from osteolens.data.radiographs import RadiographSet
from osteolens.evaluation.evaluate import evaluate
from osteolens.evaluation.parts import evaluation_parts
from osteolens.experiments.foreign_images import division_leakage, known_images
from osteolens.experiments.foreign_predictions import gather_predictions


def evaluate_table(
    path: Path,
    out: Path,
    config: Config,
    *,
    labels: Path | None = None,
    split_table: Path | None = None,
    data: RadiographSet | None = None,
) -> Path:
    """Evaluate anybody's predictions and return their ``metrics_summary.json``.

    Parameters
    ----------
    path
        CSV or workbook: a column that names the image and a column of probabilities per class; see
        :mod:`osteolens.evaluation.foreign_table` for the spellings.
    labels
        Any table that the metadata of a data root may be; its column ``split`` counts where `split_table` is not
        given. Without it the labels are those of `data`, else those of the predictions table itself.
    split_table
        What the model was trained on, as ``leakcheck`` reads it.
    data
        A data set that has the images: metadata, headers and contents of the files.

    Raises
    ------
    DataError, EvaluationError
        A table cannot be read, names an image twice, or the tables contradict each other; a predicted image has no
        label; or the numbers are no probabilities.
    """
    known = known_images(config.data, labels=labels, split_table=split_table, data=data)
    foreign = gather_predictions(path, known, config.class_names)
    table, validation = evaluation_parts(foreign.table)
    divided = foreign.manifest
    evaluate(
        table,
        out,
        validation=validation,
        manifest=divided,
        metadata=foreign.metadata,
        headers=None if data is None or divided is None else image_headers(data),
        leakage=None if divided is None else division_leakage(divided, data),
        **config.evaluation.draws(config.seed),
    )
    return out / "metrics_summary.json"
