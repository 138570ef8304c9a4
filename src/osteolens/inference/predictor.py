"""A checkpoint that answers: for pictures already resized, for files, for a whole manifest."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.config import Config, ExplanationOptions, InferenceOptions
from osteolens.domain import Preprocessing
from osteolens.errors import ConfigError, DataError, EvaluationError
from osteolens.explain.cam import MapMethod, used_method
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.inference.answering import Answering, Floats, Pictures
from osteolens.inference.decision_record import DecisionRecord, read_decisions
from osteolens.inference.novelty import Novelty, NoveltyModel
from osteolens.inference.onnx_runner import OnnxPredictor
from osteolens.models.checkpoint import load_checkpoint, restore_model
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import Outputs, class_probabilities, network_outputs
from osteolens.runtime import get_device, keep_freed_memory
from osteolens.storage import RunFolder, sha256_file

EXPORT_SUFFIX = ".onnx"

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Predictor(Answering):
    """A trained network with everything that decides its answers, computed by torch.

    Attributes
    ----------
    config
        The configuration it was trained with.
    novelty_model
        What tells pictures unlike those trained on; None where the checkpoint does not hold it.
    """

    model: BTXRDClassifier
    record: Preprocessing
    class_names: tuple[str, ...]
    config: Config
    sha256: str
    flip_averaging: bool
    decisions: DecisionRecord | None = None
    novelty_model: NoveltyModel | None = None

    @classmethod
    def from_file(
        cls,
        path: Path,
        accelerator: str = "auto",
        *,
        run: Path | None = None,
        options: InferenceOptions | None = None,
    ) -> Answering:
        """Open a checkpoint with the decisions of its run, or by its suffix ``.onnx`` an exported model.

        Parameters
        ----------
        accelerator
            For a checkpoint; exported models are computed on the CPU.
        run
            See :meth:`with_run`; an exported model brings its own decisions.
        options
            Which runtime computes an exported model, and with how many threads.

        Raises
        ------
        CheckpointError
            The file is missing, damaged or something else.
        ConfigError
            The runtime is not installed, or `run` is given for an exported model.
        """
        if path.suffix.lower() != EXPORT_SUFFIX:
            return cls.from_checkpoint(path, accelerator).with_run(run)
        if run is not None:
            raise ConfigError(f"{path} brings its own decisions. Leave out --run, or export the checkpoint with it.")
        return OnnxPredictor.from_file(path, options or InferenceOptions())

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
        novelty = NoveltyModel.from_arrays(checkpoint.novelty) if checkpoint.novelty else None
        return cls(model, record, checkpoint.class_names, config, sha256_file(path), flip, novelty_model=novelty)

    @property
    def recorded_run(self) -> RunFolder:
        """The folder of its run as the checkpoint's configuration names it, whether or not it is there."""
        return RunFolder(self.config.paths.results_dir / self.config.experiment / self.config.training.split_strategy)

    def with_run(self, run: Path | None) -> Predictor:
        """Return the same with the decisions of its run.

        Parameters
        ----------
        run
            The run's folder. Without it the recorded one is tried, and where that cannot be used a warning says why
            answers are probabilities as predicted and nothing more.

        Raises
        ------
        DataError, EvaluationError
            `run` is given and cannot be used, see :func:`osteolens.inference.decision_record.read_decisions`.
        """
        place = self.recorded_run if run is None else RunFolder(run)
        try:
            decisions = read_decisions(place, checkpoint_sha256=self.sha256, class_names=self.class_names)
        except (DataError, EvaluationError) as error:
            if run is not None:
                raise
            logger.warning("answers are not calibrated, name the checkpoint's run with --run: %s", error)
            return self
        return dataclasses.replace(self, decisions=decisions)

    @property
    def engine(self) -> str:
        """What computes the answers."""
        return "torch"

    @property
    def batch_size(self) -> int:
        """Images per forward pass, as the checkpoint's configuration says."""
        return self.config.inference.batch_size

    def probabilities(self, pictures: Pictures) -> NDArray[np.float64]:
        """Return class probabilities [N, classes] for resized pictures uint8 [N, size, size]."""
        return class_probabilities(
            self.model, pictures, self.record, batch_size=self.batch_size, flip_averaging=self.flip_averaging
        )

    def outputs(self, pictures: Pictures) -> Outputs:
        """Return the same probabilities with the pooled features, from one pass."""
        return network_outputs(
            self.model, pictures, self.record, batch_size=self.batch_size, flip_averaging=self.flip_averaging
        )

    def novelty(self, features: Floats) -> tuple[Novelty, ...] | None:
        """Return how far pooled features [N, F] lie from those trained on; None where the checkpoint cannot tell."""
        return None if self.novelty_model is None else self.novelty_model.judge(features)

    def map_method(self, options: ExplanationOptions) -> MapMethod:
        """Return the method that makes the maps, never ``auto``."""
        return used_method(self.model, options.method)

    def maps(self, pictures: Pictures, classes: NDArray[np.int64], options: ExplanationOptions) -> CellMap:
        """Return maps [N, K, h, w] of the classes [N, K] of resized pictures."""
        return picture_maps(self.model, self.record, pictures, classes, options=options)
