"""A checkpoint that gives numbers for pictures already resized, computed by torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.config import Config, ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.errors import CheckpointError, DataError, EvaluationError
from osteolens.explain.cam import MapMethod, used_method
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.inference.decision_record import DecisionRecord, read_decisions
from osteolens.inference.network import Judged, Network, Pictures
from osteolens.inference.novelty import NoveltyModel
from osteolens.models.checkpoint import Checkpoint, load_checkpoint, network_sha256, restore_model
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import class_probabilities, network_outputs
from osteolens.runtime import get_device, keep_freed_memory
from osteolens.storage import RunFolder

NOT_EVALUATED = "the checkpoint holds no decisions; evaluate its run (osteolens eval), or name the run with --run."


@dataclass(frozen=True, slots=True)
class TorchNetwork(Network):
    """A network as torch computes it.

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
    undecided: str = NOT_EVALUATED
    novelty_model: NoveltyModel | None = None

    @classmethod
    def from_checkpoint(
        cls, path: Path, accelerator: str = "auto", *, flip_averaging: bool | None = None
    ) -> TorchNetwork:
        """Load a checkpoint in safe mode, with the decisions that it holds.

        On a CPU this process then keeps the memory that it frees: a batch takes half as long.

        Parameters
        ----------
        flip_averaging
            Average each picture with its mirror image; None does as the checkpoint's configuration says.

        Raises
        ------
        CheckpointError
            The checkpoint is missing, damaged or something else.
        """
        checkpoint = load_checkpoint(path)
        model, record = restore_model(checkpoint, path)
        device = get_device(accelerator)
        if device.type == "cpu":
            keep_freed_memory()
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        config = Config.model_validate(checkpoint.config)
        return cls(
            model=model,
            record=record,
            class_names=checkpoint.class_names,
            config=config,
            sha256=network_sha256(checkpoint),
            flip_averaging=config.evaluation.flip_averaging if flip_averaging is None else flip_averaging,
            decisions=_stored_decisions(checkpoint, path),
            novelty_model=NoveltyModel.from_arrays(checkpoint.novelty) if checkpoint.novelty else None,
        )

    @property
    def recorded_run(self) -> RunFolder:
        """The folder of its run as the checkpoint's configuration names it, whether or not it is there."""
        return RunFolder(self.config.paths.results_dir / self.config.experiment / self.config.training.split_strategy)

    def with_run(self, run: Path | None) -> TorchNetwork:
        """Return the same with the decisions of its run.

        Parameters
        ----------
        run
            The run's folder. Without it the decisions in the checkpoint count. Where it holds none the recorded folder
            is tried, and where that cannot be used either, :attr:`uncalibrated` says why.

        Raises
        ------
        DataError, EvaluationError
            `run` is given and cannot be used, see :func:`osteolens.inference.decision_record.read_decisions`.
        """
        if run is None and self.decisions is not None:
            return self
        place = self.recorded_run if run is None else RunFolder(run)
        try:
            decisions = read_decisions(place, checkpoint_sha256=self.sha256, class_names=self.class_names)
        except (DataError, EvaluationError) as error:
            if run is not None:
                raise
            return dataclasses.replace(self, undecided=f"{NOT_EVALUATED} Its recorded run cannot be used: {error}")
        return dataclasses.replace(self, decisions=decisions)

    @property
    def engine(self) -> str:
        """What computes it."""
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

    def judge(self, pictures: Pictures) -> Judged:
        """Return the same probabilities with the pictures' novelty, from one pass."""
        outputs = network_outputs(
            self.model, pictures, self.record, batch_size=self.batch_size, flip_averaging=self.flip_averaging
        )
        novelty = None if self.novelty_model is None else self.novelty_model.judge(outputs.features)
        return Judged(outputs.probabilities, novelty)

    def map_method(self, options: ExplanationOptions) -> MapMethod:
        """Return the method that makes its maps, never ``auto``."""
        return used_method(self.model, options.method)

    def maps(self, pictures: Pictures, classes: NDArray[np.int64], options: ExplanationOptions) -> CellMap:
        """Return maps [N, K, h, w] of the classes [N, K] of resized pictures."""
        return picture_maps(self.model, self.record, pictures, classes, options=options)


def _stored_decisions(checkpoint: Checkpoint, path: Path) -> DecisionRecord | None:
    if not checkpoint.decisions:
        return None
    try:
        record = DecisionRecord.from_dict(checkpoint.decisions)
    except DataError as error:
        raise CheckpointError(f"{path} holds damaged decisions: {error} Evaluate its run again.") from error
    if record.class_names != checkpoint.class_names:
        raise CheckpointError(f"{path} holds the decisions of other classes. Evaluate its run again.")
    return record
