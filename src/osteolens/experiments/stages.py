"""The stages of a run: each reads files, writes files, and is skipped when nothing it reads has changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.config import Config
from osteolens.data.headers import image_headers
from osteolens.data.image_facts import image_metadata
from osteolens.data.leakage import manifest_leakage
from osteolens.data.manifest import Manifest, read_manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits import check_split, make_split, warnings_on, write_split
from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.evaluation.evaluate import EVALUATION_FILES, SUMMARY_FILE, evaluate
from osteolens.evaluation.parts import evaluation_parts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.decisions import store_decisions
from osteolens.experiments.novelty import store_novelty
from osteolens.experiments.reuse import StageRecord
from osteolens.inference.manifest import predict_manifest
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path, load_checkpoint, network_sha256
from osteolens.storage import RunFolder, sha256_file, write_json
from osteolens.training.run import run_folder, train

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class _Divided:
    """A run and its division, found and checked once for the stages that need it.

    Attributes
    ----------
    state
        Hashes of the pictures, the metadata and the manifest.
    is_trained_on
        Whether the checkpoint is known to be trained with this manifest; False for one without a run folder.
    """

    scheme: str
    run: RunFolder
    manifest: Manifest
    state: list[str]
    is_trained_on: bool

    @classmethod
    def of(cls, config: Config, data: RadiographSet, scheme: str) -> _Divided:
        run, manifest = run_folder(config, scheme), find_manifest(config, data, scheme)
        state = [data.data_hash(), data.metadata_hash(), sha256_file(manifest_path(config, scheme))]
        return cls(scheme, run, manifest, state, _is_trained_on(manifest, run, scheme))


def manifest_path(config: Config, scheme: str) -> Path:
    """Return where the manifest of a scheme is kept."""
    return config.splits_dir / f"{scheme}.csv"


def split(config: Config, data: RadiographSet, scheme: str) -> Manifest:
    """Make and write the manifest of a scheme with its record, and warn of what it cannot tell."""
    manifest = make_split(data, scheme, config)
    write_split(manifest_path(config, scheme), manifest, data, config)
    for warning in warnings_on(manifest, data):
        logger.warning("%s: %s", scheme, warning)
    return manifest


def find_manifest(config: Config, data: RadiographSet, scheme: str) -> Manifest:
    """Return the manifest of a scheme, made now if there is none yet.

    Raises
    ------
    DataError
        The manifest on disk was edited, was made with other options, or for another state of the data set.
    """
    path = manifest_path(config, scheme)
    if not path.is_file():
        return split(config, data, scheme)
    manifest = read_manifest(path)
    check_split(path, manifest, data, config)
    return manifest


def train_run(config: Config, data: RadiographSet, scheme: str, *, fresh: bool = False) -> RunFolder:
    """Train on a scheme, let the checkpoint tell unlike pictures, and write the leakage of its split beside the run."""
    config = config.with_overrides(f"training.split_strategy={scheme}")
    manifest = find_manifest(config, data, scheme)
    best = train(config, data, manifest, fresh=fresh)  # refuses another division than the run began with
    store_novelty(best, config, data, manifest)
    run = run_folder(config, scheme)
    write_leakage(run, manifest, data)
    return run


def write_leakage(run: RunFolder, manifest: Manifest, data: RadiographSet) -> dict[str, Any]:
    """Measure the leakage of a run's division, write it beside the run and return it."""
    leakage = manifest_leakage(manifest, data)
    write_json(run.leakage, leakage)
    return leakage


def predict(config: Config, data: RadiographSet, scheme: str) -> Path:
    """Write the predictions table of a run's best checkpoint.

    Raises
    ------
    DataError
        The division has changed since the checkpoint was trained, so training images could be evaluated.
    """
    return _predict(config, data, _Divided.of(config, data, scheme))


def evaluate_run(config: Config, data: RadiographSet, scheme: str) -> Path:
    """Write the figures of a run's evaluated part, and the leakage that its honesty panel holds.

    What was chosen on its val part is stored in its checkpoint, so that new answers are calibrated.
    """
    divided = _Divided.of(config, data, scheme)
    run, manifest, table_path = divided.run, divided.manifest, _predict(config, data, divided)
    state = [*divided.state, data.annotations_hash(), divided.is_trained_on]
    made_from = [sha256_file(table_path), state, config.evaluation.model_dump(mode="json"), config.seed]
    outputs = [run.evaluation / name for name in EVALUATION_FILES]
    record = StageRecord(run.root)
    if not record.is_current("evaluate", made_from, outputs):
        table, validation = evaluation_parts(PredictionsTable.from_csv(table_path))
        evaluate(
            table,
            run.evaluation,
            Resampling.of(config),
            validation=validation,
            manifest=manifest.frame,
            metadata=image_metadata(data),
            headers=image_headers(data),
            leakage=write_leakage(run, manifest, data),
            epoch_chosen=_epoch_chosen(config, divided),
        )
        record.finish("evaluate", made_from, outputs)
        logger.info("figures of %s: %s", scheme, run.evaluation)
    store_decisions(checkpoint_path(config, scheme, "best"), config, run)
    return run.evaluation / SUMMARY_FILE


def _is_trained_on(manifest: Manifest, run: RunFolder, scheme: str) -> bool:
    if not run.manifest.is_file():  # a checkpoint without a run folder: nothing is known of its division
        return False
    parts = [
        dict(zip(frame[Column.IMAGE_ID], frame[Column.SPLIT], strict=True))
        for frame in (manifest.frame, read_manifest(run.manifest).frame)
    ]
    if parts[0] != parts[1]:
        raise DataError(
            f"the manifest of {scheme} is not the one that the checkpoint was trained with ({run.manifest}), so images "
            f"that it was trained on could be evaluated. Train again (--fresh), or name another experiment."
        )
    return True


def _predict(config: Config, data: RadiographSet, divided: _Divided) -> Path:
    run, checkpoint = divided.run, checkpoint_path(config, divided.scheme, "best")
    flip = config.evaluation.flip_averaging
    made_from = [_network_or_none(checkpoint), *divided.state, flip]
    record = StageRecord(run.root)
    if record.is_current("predict", made_from, [run.predictions]):
        return run.predictions
    network = TorchNetwork.from_checkpoint(checkpoint, config.training.accelerator, flip_averaging=flip)
    predict_manifest(network, data, divided.manifest, config.paths.cache_dir).write(run.predictions)
    record.finish("predict", made_from, [run.predictions])
    logger.info("predictions of %s: %s", divided.scheme, run.predictions)
    return run.predictions


def _epoch_chosen(config: Config, divided: _Divided) -> bool | None:
    """Return whether the val part chose the epoch of the best checkpoint, None where its division is not known.

    A checkpoint without validation figures is the last epoch, and of a single epoch there is nothing to choose.
    """
    checkpoint = load_checkpoint(checkpoint_path(config, divided.scheme, "best"))
    if not checkpoint.metrics or Config.model_validate(checkpoint.config).training.epochs == 1:
        return False
    return True if divided.is_trained_on else None


def _network_or_none(path: Path) -> str | None:
    return network_sha256(load_checkpoint(path)) if path.is_file() else None
