"""Figures of a predictions table that osteolens did not make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import osteolens
from osteolens.config import Config
from osteolens.data.headers import image_headers
from osteolens.data.radiographs import RadiographSet
from osteolens.errors import ConfigError
from osteolens.evaluation.evaluate import SUMMARY_FILE, evaluate
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.foreign_images import division_leakage, known_images
from osteolens.experiments.foreign_predictions import gather_predictions
from osteolens.storage import RunFolder, sha256_file, write_json


def evaluate_table(
    path: Path,
    out: Path,
    config: Config,
    *,
    labels: Path | None = None,
    split_table: Path | None = None,
    data: RadiographSet | None = None,
    renormalise: bool = False,
) -> Path:
    """Evaluate anybody's predictions and return their ``metrics_summary.json``.

    Beside the figures stand ``predictions.csv``, the table as osteolens knows it, with labels and cases joined, and
    ``provenance.json``, which says from which files and columns it was made.

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
    renormalise
        Divide rows by their sum that is not quite 1, see
        :func:`osteolens.evaluation.foreign_numbers.read_probabilities`.

    Raises
    ------
    DataError, EvaluationError
        A table cannot be read, names an image twice, or the tables contradict each other; a predicted image has no
        label; or the numbers are no probabilities.
    ConfigError
        `out` is the folder of a run, or one of the tables is the ``predictions.csv`` in it.
    """
    _check_out(RunFolder(out), [table for table in (path, labels, split_table) if table is not None])
    known = known_images(config.data, labels=labels, split_table=split_table, data=data)
    foreign = gather_predictions(path, known, config.class_names, renormalise=renormalise)
    table, validation = evaluation_parts(foreign.table)
    divided = foreign.manifest
    folder, given = RunFolder(out), {"predictions": path, "labels": labels, "split_table": split_table}
    foreign.table.write(folder.predictions)
    evaluate(
        table,
        out,
        Resampling.of(config),
        validation=validation,
        manifest=divided,
        metadata=foreign.metadata,
        headers=None if data is None or divided is None else image_headers(data),
        leakage=None if divided is None else division_leakage(divided, data),
        caveats=foreign.caveats,
    )
    provenance = {
        IDENTITY: predictions_sha256(table),
        "osteolens": osteolens.__version__,
        "seed": config.seed,
        **{name: file and {"file": file.name, "sha256": sha256_file(file)} for name, file in given.items()},
        "data": data and {"folder": config.data.root.name, "sha256": data.data_hash()},
        "columns": foreign.headings,
        "renormalise": renormalise,
    }
    write_json(folder.provenance, provenance)
    return out / SUMMARY_FILE


def _check_out(folder: RunFolder, given: Sequence[Path]) -> None:
    if folder.config.is_file():
        raise ConfigError(f"{folder.root} is the folder of a run. Name another one with --out.")
    if written_over := [path for path in given if path.resolve() == folder.predictions.resolve()]:
        raise ConfigError(f"{written_over[0]} would be written over. Name another folder with --out.")
