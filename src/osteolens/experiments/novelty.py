"""The end of a training: what tells pictures unlike those trained on is fitted and stored in the checkpoint."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import torch

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column, SplitName
from osteolens.errors import TrainingError
from osteolens.inference.novelty import Floats, NoveltyModel
from osteolens.models.checkpoint import load_checkpoint, restore_model, save_checkpoint
from osteolens.models.forward import network_outputs
from osteolens.runtime import get_device

logger = logging.getLogger("osteolens")


def store_novelty(checkpoint_file: Path, config: Config, data: RadiographSet, manifest: Manifest) -> None:
    """Fit on the train part, choose the threshold on the part that epochs are chosen on, and store both.

    A checkpoint that holds them is left as it is, so an older run gets them by ``osteolens train`` and keeps its
    network; its file and so its hash change. Where nothing may be chosen, or the parts are too small, nothing is
    stored and the log says so.
    """
    checkpoint = load_checkpoint(checkpoint_file)
    if checkpoint.novelty:
        return
    selection = manifest.selection_split
    if selection is None:
        logger.info("this split has no part to choose on, so pictures unlike those trained on will not be told")
        return
    model, record = restore_model(checkpoint, checkpoint_file)
    model.to(get_device(config.training.accelerator), memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(part: SplitName) -> Floats:
        paths = [data.path(name) for name in manifest.part(part)[Column.IMAGE_ID]]
        pictures = cached_pictures(paths, record, config.paths.cache_dir)
        size = config.inference.batch_size
        return network_outputs(model, pictures, record, batch_size=size, description=f"features of {part}").features

    try:
        fitted = NoveltyModel.fit(features("train"), features(selection))
    except TrainingError as error:
        logger.warning("pictures unlike those trained on will not be told: %s", error)
        return
    tensors = {name: torch.from_numpy(values) for name, values in fitted.to_arrays().items()}
    save_checkpoint(checkpoint_file, dataclasses.replace(checkpoint, novelty=tensors))
    logger.info("novelty: %.0f %% of val lie beyond a distance of %.1f", 100 * fitted.refused, fitted.threshold)
