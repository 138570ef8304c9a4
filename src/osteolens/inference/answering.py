"""What every runtime of a network can do: answer for files, with maps and with what was decided on validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.images import read_grey
from osteolens.data.preprocessing import read_input
from osteolens.domain import Prediction, Preprocessing
from osteolens.explain.overlay import overlay
from osteolens.explain.upsample import onto_picture
from osteolens.inference.decision_record import DecisionRecord

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
    def maps(self, pictures: Pictures, classes: Sequence[int] | None = None) -> Floats:
        """Return maps [N, K, h, w], 0 to 1, of K class indices or of all; an InferenceError where there are none."""

    def answer(self, path: Path, name: str) -> Prediction:
        """Answer for one file under the name that results give it; raises DataError for one that cannot be read."""
        probabilities = self.probabilities(read_input(path, self.record)[None])
        decision = None if self.decisions is None else self.decisions.decide(probabilities)[0]
        return Prediction(name, dict(zip(self.class_names, probabilities[0].tolist(), strict=True)), decision)

    def overlay(self, path: Path, class_name: str) -> Pictures:
        """Return a file's picture at its own size with the map of a class over it, RGB uint8 [height, width, 3]."""
        maps = self.maps(read_input(path, self.record)[None], [self.class_names.index(class_name)])[0, 0]
        grey = read_grey(path)
        return overlay(grey, onto_picture(maps, grey.shape[0], grey.shape[1], self.record))
