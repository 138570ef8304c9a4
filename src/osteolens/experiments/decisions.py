"""The end of an evaluation: what was chosen on validation images is stored in the checkpoint that it is for."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from osteolens.config import Config
from osteolens.errors import StorageError
from osteolens.inference.decision_record import read_decisions
from osteolens.models.checkpoint import load_checkpoint, network_sha256, save_checkpoint
from osteolens.storage import RunFolder

logger = logging.getLogger("osteolens")


def store_decisions(checkpoint_file: Path, config: Config, run: RunFolder) -> None:
    """Store temperature, conformal sets and operating points of an evaluated run in its checkpoint.

    A checkpoint that holds the same is left as it is. Nothing is stored, and the log says so, where the run was
    evaluated with mirror images and the checkpoint answers without, or the reverse, or where the file cannot be
    written; answers can still be given the run's folder (``--run``).

    Raises
    ------
    DataError
        The run's files are damaged or of another checkpoint.
    """
    checkpoint = load_checkpoint(checkpoint_file)
    if Config.model_validate(checkpoint.config).evaluation.flip_averaging != config.evaluation.flip_averaging:
        logger.warning(
            "evaluation.flip_averaging is not that of the training, so the checkpoint does not get the decisions of %s",
            run.root,
        )
        return
    record = read_decisions(run, checkpoint_sha256=network_sha256(checkpoint), class_names=checkpoint.class_names)
    if checkpoint.decisions == record.to_dict():
        return
    try:
        save_checkpoint(checkpoint_file, dataclasses.replace(checkpoint, decisions=record.to_dict()))
    except StorageError as error:
        logger.warning("the decisions of %s were not stored in its checkpoint: %s", run.root, error)
