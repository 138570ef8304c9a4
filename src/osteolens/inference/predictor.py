"""A checkpoint that answers: for pictures already resized, for a file, for a whole manifest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.images import read_grey
from osteolens.data.preprocessing import normalise, read_input
from osteolens.domain import Prediction, Preprocessing
from osteolens.explain.cam import class_maps
from osteolens.explain.overlay import overlay
from osteolens.models.checkpoint import load_checkpoint, restore_model
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import class_probabilities
from osteolens.runtime import get_device, keep_freed_memory
from osteolens.storage import sha256_file

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Predictor:
    """A trained network with everything that decides its answers.

    Attributes
    ----------
    config
        The configuration it was trained with.
    sha256
        Hash of the checkpoint's file; it is written beside every answer.
    """

    model: BTXRDClassifier
    record: Preprocessing
    class_names: tuple[str, ...]
    config: Config
    sha256: str
    flip_averaging: bool

    @classmethod
    def from_checkpoint(cls, path: Path, accelerator: str = "auto", *, flip_averaging: bool | None = None) -> Predictor:
        """Load a checkpoint in safe mode; raises :class:`osteolens.errors.CheckpointError`.

        On a CPU this process then keeps the memory that it frees: a batch takes half as long.

        Parameters
        ----------
        flip_averaging
            Average each picture with its mirror image; None does as the checkpoint's configuration says.
        """
        checkpoint = load_checkpoint(path)
        model, record = restore_model(checkpoint, path)
        device = get_device(accelerator)
        if device.type == "cpu":
            keep_freed_memory()
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        config = Config.model_validate(checkpoint.config)
        flip = config.evaluation.flip_averaging if flip_averaging is None else flip_averaging
        return cls(model, record, checkpoint.class_names, config, sha256_file(path), flip)

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return class probabilities [N, classes] for resized pictures uint8 [N, size, size]."""
        return class_probabilities(
            self.model,
            pictures,
            self.record,
            batch_size=self.config.inference.batch_size,
            flip_averaging=self.flip_averaging,
        )

    def answer(self, path: Path, name: str) -> Prediction:
        """Answer for one file under the name that results give it; raises DataError for one that cannot be read."""
        probabilities = self.probabilities(read_input(path, self.record)[None])[0]
        return Prediction(name, dict(zip(self.class_names, probabilities.tolist(), strict=True)))

    def overlay(self, path: Path, class_name: str) -> NDArray[np.uint8]:
        """Return a file's picture at its own size with the map of a class over it, RGB uint8 [height, width, 3].

        A map that is 0 everywhere leaves the picture as it is, and is warned of.
        """
        device = next(self.model.parameters()).device
        images = torch.from_numpy(normalise(read_input(path, self.record)[None], self.record)).to(device)
        options, wanted = self.config.explanation, [self.class_names.index(class_name)]
        made = class_maps(
            self.model, images, method=options.method, resolution=options.resolution, classes=wanted
        ).maps[0, 0]
        if made.is_zero:
            logger.warning("%s: the map of %s is 0 everywhere, no evidence was found.", path.name, class_name)
        grey = read_grey(path)
        height, width = grey.shape
        return overlay(grey, made.onto(height, width, self.record))
