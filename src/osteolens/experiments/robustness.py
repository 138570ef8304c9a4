"""What corrupted pictures cost a run: its evaluated part answered again under each corruption, and the losses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.corruptions import CORRUPTIONS
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.errors import ConfigError
from osteolens.evaluation.corruption import corruption_curves
from osteolens.evaluation.corruption_figures import corruption_figure
from osteolens.evaluation.figures import save_plot
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments import stages
from osteolens.experiments.reuse import StageRecord
from osteolens.inference.corrupted import corrupted_probabilities
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path
from osteolens.storage import RunFolder, sha256_file, write_json
from osteolens.training.run import run_folder

RECORD_FILE, FIGURE_FILE = "corruption.json", "corruption_curves.png"

logger = logging.getLogger("osteolens")


def measure_robustness(config: Config, data: RadiographSet, scheme: str, only: Sequence[str] = ()) -> Path:
    """Write what corruptions cost a run: ``corruption.json`` and ``corruption_curves.png`` in ``robustness/``.

    The best checkpoint answers for the evaluated part under each strength, into ``robustness/<name>_<strength>.csv``,
    predictions tables with the rows of the clean one. A corruption that is finished for the same checkpoint, pictures
    and options is not predicted again, whatever came between.

    Parameters
    ----------
    only
        Names of :data:`osteolens.data.corruptions.CORRUPTIONS` to predict now; none means all. Those finished earlier
        stay in the record.

    Returns
    -------
    pathlib.Path
        The JSON file, see :func:`robustness_record`.

    Raises
    ------
    ConfigError
        `only` names an unknown corruption.
    DataError
        As :func:`osteolens.experiments.stages.predict`.
    """
    chosen = _known(only)
    table_path = stages.predict(config, data, scheme)
    run = run_folder(config, scheme)
    clean, _ = evaluation_parts(PredictionsTable.from_csv(table_path))
    state = [sha256_file(table_path), data.data_hash(), config.evaluation.flip_averaging, config.seed]
    pending = [name for name in chosen if not _is_finished(run, name, state)]
    if pending:
        _predict(config, data, scheme, clean=clean, names=pending, state=state)
    finished = [name for name in CORRUPTIONS if _is_finished(run, name, state)]
    return _write_curves(config, run, clean, finished, state)


def robustness_record(config: Config, clean: PredictionsTable, tables: dict[str, list[Path]]) -> dict[str, Any]:
    """Return the content of ``corruption.json``.

    Parameters
    ----------
    tables
        Finished corruption to its predictions tables, by rising strength.

    Returns
    -------
    dict
        - ``class_names``, ``split``, ``predictions_sha256`` (identity of `clean`), ``checkpoint_sha256``,
          ``flip_averaging``, ``seed``, ``confidence``, ``resamples``, ``intervals`` (kind of the limits of ``scores``;
          losses have percentile limits).
        - ``corruptions``: name → ``{"title", "description", "unit", "one_step", "strengths"}`` in plain words, in the
          order in which they are shown. ``one_step`` is true for what is done or not (its only strength is 1).
        - ``not_measured``: names that have not been predicted yet.
        - ``clean``: the headline figures: ``n``, ``cases``, ``per_class_n``, ``accuracy``, ``balanced_accuracy`` and
          ``macro_auc``, each an entry ``{"value", "low", "high", "reason", ...}``, and ``sensitivity`` → class →
          entry.
        - ``curves``: the names of ``corruptions`` → points by rising strength, each with ``strength``, ``table`` (file
          in the same folder), ``scores`` as in ``clean``, and ``loss``, clean minus corrupted: ``accuracy``,
          ``balanced_accuracy``, ``macro_auc`` and ``sensitivity`` → class, entries ``{"value", "low", "high",
          "p_value", "reason"}``. Above 0 the corruption costs. Where no resample differs, as without any changed
          answer, limits are None with a reason and the p-value is 1.
    """
    options = config.evaluation
    given = {
        (name, strength): PredictionsTable.from_csv(path)
        for name, paths in tables.items()
        for strength, path in zip(CORRUPTIONS[name].strengths, paths, strict=True)
    }
    curves = corruption_curves(clean, given, Resampling.of(config))
    return {
        "class_names": list(clean.class_names),
        "split": clean.splits[0],
        IDENTITY: predictions_sha256(clean),
        "checkpoint_sha256": clean.frame[Column.CHECKPOINT].iloc[0],
        "flip_averaging": options.flip_averaging,
        "seed": config.seed,
        "confidence": options.confidence,
        "resamples": options.bootstrap_resamples,
        "intervals": options.intervals,
        "corruptions": {name: _in_words(name) for name in tables},
        "not_measured": [name for name in CORRUPTIONS if name not in tables],
        "clean": curves["clean"],
        "curves": {
            name: [
                {"strength": point["strength"], "table": path.name, "scores": point["scores"], "loss": point["loss"]}
                for point, path in zip(curves["curves"][name], paths, strict=True)
            ]
            for name, paths in tables.items()
        },
    }


def _known(names: Sequence[str]) -> list[str]:
    """Return the corruptions asked for, in the order of the registry."""
    if strangers := [name for name in names if name not in CORRUPTIONS]:
        raise ConfigError(f"unknown corruption(s) {', '.join(strangers)}; known are {', '.join(CORRUPTIONS)}.")
    return [name for name in CORRUPTIONS if name in names or not names]


def _predict(
    config: Config, data: RadiographSet, scheme: str, *, clean: PredictionsTable, names: Sequence[str], state: list[Any]
) -> None:
    run, flip = run_folder(config, scheme), config.evaluation.flip_averaging
    checkpoint, accelerator = checkpoint_path(config, scheme, "best"), config.training.accelerator
    network = TorchNetwork.from_checkpoint(checkpoint, accelerator, flip_averaging=flip)
    ids = clean.frame[Column.IMAGE_ID].tolist()
    paths = [data.path(image_id) for image_id in ids]
    for name in names:
        answers = corrupted_probabilities(network, paths, ids, name, config.seed)
        for path, probabilities in zip(_tables(run, name), answers.values(), strict=True):
            _answered(clean, probabilities).write(path)
        StageRecord(run.robustness).finish(name, _made_from(name, state), _tables(run, name))
        logger.info("predictions of %s under %s: %s", scheme, CORRUPTIONS[name].title, run.robustness)


def _answered(clean: PredictionsTable, probabilities: NDArray[np.float64]) -> PredictionsTable:
    """Return the rows of a table with other answers."""
    columns = [f"{Column.PROBABILITY_PREFIX}{name}" for name in clean.class_names]
    frame = clean.frame.drop(columns=Column.PREDICTED)
    frame[columns] = probabilities
    return PredictionsTable(clean.class_names, frame)


def _write_curves(
    config: Config, run: RunFolder, clean: PredictionsTable, finished: Sequence[str], state: list[Any]
) -> Path:
    answer, figure = run.robustness / RECORD_FILE, run.robustness / FIGURE_FILE
    answered = [[_in_words(name), state, [sha256_file(path) for path in _tables(run, name)]] for name in finished]
    made_from, outputs = [answered, asdict(Resampling.of(config))], [answer, figure, figure.with_suffix(".svg")]
    stage = StageRecord(run.robustness)
    if not stage.is_current("curves", made_from, outputs):
        record = robustness_record(config, clean, {name: _tables(run, name) for name in finished})
        write_json(answer, record)
        save_plot(corruption_figure(record), figure)
        stage.finish("curves", made_from, outputs)
        logger.info("losses under corruptions: %s", answer)
    return answer


def _tables(run: RunFolder, name: str) -> list[Path]:
    return [run.robustness / f"{name}_{strength:g}.csv" for strength in CORRUPTIONS[name].strengths]


def _is_finished(run: RunFolder, name: str, state: list[Any]) -> bool:
    return StageRecord(run.robustness).is_current(name, _made_from(name, state), _tables(run, name))


def _made_from(name: str, state: list[Any]) -> list[Any]:
    return [state, CORRUPTIONS[name].strengths]


def _in_words(name: str) -> dict[str, Any]:
    corruption = CORRUPTIONS[name]
    return {
        "title": corruption.title,
        "description": corruption.description,
        "unit": corruption.unit,
        "one_step": corruption.is_one_step,
        "strengths": list(corruption.strengths),
    }
