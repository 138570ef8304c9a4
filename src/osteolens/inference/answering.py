"""What every runtime of a network can do: answer for pictures, with maps and with what was decided on validation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Prediction, Preprocessing
from osteolens.explain.cam import MapMethod
from osteolens.explain.cell_map import CellMap
from osteolens.inference.decision_record import DecisionRecord
from osteolens.inference.reading import InputBatch

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Answering(ABC):
    """A network with everything that decides its answers, whatever computes it.

    Attributes
    ----------
    record
        How a picture becomes the input.
    class_names
        In the order of the probabilities.
    sha256
        Hash of the checkpoint's file; it is written beside every answer.
    decisions
        What was chosen on validation images; None where it is not known.
    """

    __slots__ = ()
    record: Preprocessing
    class_names: tuple[str, ...]
    sha256: str
    decisions: DecisionRecord | None

    @property
    @abstractmethod
    def engine(self) -> str:
        """What computes the answers, for example ``torch`` or ``onnxruntime, int8``."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Images per forward pass."""

    @abstractmethod
    def probabilities(self, pictures: Pictures) -> NDArray[np.float64]:
        """Return class probabilities [N, classes] for resized pictures uint8 [N, size, size]."""

    @abstractmethod
    def map_method(self, options: ExplanationOptions) -> MapMethod:
        """Return the method that makes its maps, never ``auto``.

        Raises
        ------
        ConfigError, InferenceError
            Maps cannot be made as the options ask, or not at all.
        """

    @abstractmethod
    def maps(self, pictures: Pictures, classes: NDArray[np.int64], options: ExplanationOptions) -> CellMap:
        """Return maps [N, K, h, w] of the classes [N, K] of resized pictures; raises as :meth:`map_method`."""

    def answers(self, batch: InputBatch) -> list[Prediction]:
        """Answer for each picture of a batch that was read."""
        if not batch.names:
            return []
        rows = self.probabilities(batch.pictures)
        decided = [None] * len(rows) if self.decisions is None else self.decisions.decide(rows)
        return [
            Prediction(name, dict(zip(self.class_names, row, strict=True)), decision)
            for name, row, decision in zip(batch.names, rows.tolist(), decided, strict=True)
        ]
