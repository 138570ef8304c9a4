"""A network that gives numbers for pictures, whatever computes it: the one thing that answers are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.cam import MapMethod
from osteolens.explain.cell_map import CellMap
from osteolens.inference.decision_record import DecisionRecord
from osteolens.inference.novelty import Novelty

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What one pass gives.

    Attributes
    ----------
    probabilities
        float64 [N, classes]; rows sum to 1.
    novelty
        One per picture; None where the network cannot tell.
    """

    probabilities: NDArray[np.float64]
    novelty: tuple[Novelty, ...] | None


class Network(ABC):
    """A trained network with what was chosen for it.

    Attributes
    ----------
    record
        How a picture becomes the input.
    class_names
        In the order of the probabilities.
    sha256
        Identity of the network, see :func:`osteolens.models.checkpoint.network_sha256`; it is written beside every
        answer.
    decisions
        What was chosen on validation images; None where it is not known.
    undecided
        Why it is not known, and what to do.
    """

    __slots__ = ()
    record: Preprocessing
    class_names: tuple[str, ...]
    sha256: str
    decisions: DecisionRecord | None
    undecided: str

    @property
    @abstractmethod
    def engine(self) -> str:
        """What computes it, for example ``torch`` or ``onnxruntime, int8``."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Images per forward pass."""

    @property
    def uncalibrated(self) -> str | None:
        """Why its probabilities are as predicted and nothing more; None where they can be calibrated."""
        if self.decisions is None:
            return f"uncalibrated: {self.undecided}"
        return None if self.decisions.scaling is not None else f"uncalibrated: {self.decisions.reason}"

    @property
    def caveats(self) -> list[str]:
        """What is doubtful in the calibration, or odd in the operating points, as sentences."""
        if self.decisions is None:
            return []
        told = (self.decisions.chosen_on, self.decisions.doubt, *self.decisions.crossings)
        return [sentence for sentence in told if sentence is not None]

    @abstractmethod
    def probabilities(self, pictures: Pictures) -> NDArray[np.float64]:
        """Return class probabilities [N, classes] for resized pictures uint8 [N, size, size]."""

    @abstractmethod
    def judge(self, pictures: Pictures) -> Judged:
        """Return the same probabilities with the pictures' novelty, from one pass."""

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
