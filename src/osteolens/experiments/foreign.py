"""Figures of a predictions table that osteolens did not make."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import osteolens
from osteolens.config import Config
from osteolens.data.headers import image_headers
from osteolens.data.radiographs import RadiographSet
from osteolens.errors import ConfigError, DataError, EvaluationError
from osteolens.evaluation.evaluate import EVALUATION_FILES, SUMMARY_FILE, evaluate
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.foreign_images import division_leakage, known_images
from osteolens.experiments.foreign_predictions import gather_predictions
from osteolens.storage import RunFolder, sha256_file, storage_errors, write_json

logger = logging.getLogger("osteolens")


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
    ``provenance.json``, which says from which files and columns it was made. The files of an earlier call go before the
    first new one is written, which is when the input was accepted; ``metrics_summary.json`` comes last.

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
        `out` is the folder of a run, or one of the tables lies there under a name that is written.
    """
    folder, given = RunFolder(out), {"predictions": path, "labels": labels, "split_table": split_table}
    _check_out(folder, [file for file in given.values() if file is not None])
    known = known_images(config.data, labels=labels, split_table=split_table, data=data)
    foreign = gather_predictions(path, known, config.class_names, renormalise=renormalise)
    table, validation = evaluation_parts(foreign.table)
    divided = foreign.manifest
    provenance = {
        IDENTITY: predictions_sha256(table),
        "osteolens": osteolens.__version__,
        "seed": config.seed,
        **{name: file and {"file": file.name, "sha256": sha256_file(file)} for name, file in given.items()},
        "data": data and {"folder": config.data.root.name, "sha256": data.data_hash()},
        "columns": foreign.headings,
        "taken_from": foreign.taken_from,
        "renormalise": renormalise,
    }
    _remove_earlier(folder)
    foreign.table.write(folder.predictions)
    write_json(folder.provenance, provenance)
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
    return out / SUMMARY_FILE


def _written(folder: RunFolder) -> list[Path]:
    """Return what an evaluation leaves, the page and the mark of a whole one first."""
    figures = [folder.root / name for name in EVALUATION_FILES]
    return [folder.report, folder.root / SUMMARY_FILE, *figures, folder.provenance, folder.predictions]


def _check_out(folder: RunFolder, given: Sequence[Path]) -> None:
    if folder.config.is_file():
        raise ConfigError(f"{folder.root} is the folder of a run. Name another one with --out.")
    written = {path.resolve() for path in _written(folder)}
    if written_over := [path for path in given if path.resolve() in written]:
        raise ConfigError(f"{written_over[0]} would be written over. Name another folder with --out.")


def _remove_earlier(folder: RunFolder) -> None:
    """Remove the figures of an earlier table, so that a call that is cut short leaves none beside the new answers."""
    for path in _written(folder):
        with storage_errors(path):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def telling_of_earlier(out: Path) -> Iterator[None]:
    """Warn, where the input is refused, that the page in `out` is of an earlier call; it would pass for one of this."""
    try:
        yield
    except (DataError, EvaluationError):
        if (page := RunFolder(out).report).is_file():
            logger.warning("%s is left as it is: it is of an earlier call, not of what was given now.", page)
        raise
