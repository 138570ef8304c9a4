"""What a model answered for one radiograph, as its DICOM objects tell it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import osteolens
from osteolens.errors import InferenceError
from osteolens.inference.answer import Answer, Call
from osteolens.storage import fingerprint

HALF = 0.5  # share of a map's maximum at which its region is drawn, the middle one of explanation.iou_thresholds


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceMap:
    """Where the network found evidence for a class.

    Attributes
    ----------
    class_name
        The class that it shows evidence for.
    heat
        float32 [H, W] on the picture of the answer, 0 to 1.
    threshold
        The region is where the map reaches this, above 0 up to 1.
    """

    class_name: str
    heat: NDArray[np.float32]
    threshold: float = HALF

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InferenceError(f"a map's region is drawn at a value above 0 up to 1, not at {self.threshold}.")
        if self.heat.ndim != 2 or not (np.isfinite(self.heat).all() and 0 <= self.heat.min() <= self.heat.max() <= 1):
            raise InferenceError("a map must be [height, width] with values of 0 to 1.")


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredPicture:
    """One radiograph and its answer, with everything that the DICOM objects show.

    Attributes
    ----------
    picture
        uint8 [H, W], the radiograph as it was read, with square pixels.
    answer
        What the model says of it.
    evidence
        None where no map was made.
    model_id
        What identifies the model, such as the SHA-256 of its file; at most 64 letters of ASCII.
    version
        Of the software.
    """

    picture: NDArray[np.uint8]
    answer: Answer
    evidence: EvidenceMap | None
    model_id: str
    version: str = osteolens.__version__

    def __post_init__(self) -> None:
        decision = self.answer.decision
        named = set(() if decision is None else decision.conformal_set or ())
        named |= set() if self.evidence is None else {self.evidence.class_name}
        if unknown := named - set(self.answer.probabilities):
            known = ", ".join(self.answer.probabilities)
            raise InferenceError(f"an answer with {known} tells of {', '.join(sorted(unknown))}.")
        if self.evidence is not None and self.evidence.heat.shape != self.picture.shape:
            raise InferenceError(f"a map of {self.evidence.heat.shape} lies on a picture of {self.picture.shape}.")
        if not (self.model_id.isascii() and self.model_id.isprintable() and 1 <= len(self.model_id) <= 64):
            raise InferenceError("a model needs an identity of 1 to 64 letters of ASCII.")

    @property
    def identity(self) -> str:
        """What changes with anything that is told: another temperature gives another answer of the same model."""
        told = {key: value for key, value in self.answer.to_dict().items() if key != "image"}
        threshold = None if self.evidence is None else self.evidence.threshold
        return fingerprint([self.model_id, self.version, told, threshold])

    @property
    def is_calibrated(self) -> bool:
        """Whether its probabilities were scaled by the temperature chosen on validation images."""
        return self.answer.decision is not None and self.answer.decision.calibrated is not None

    @property
    def conformal_set(self) -> tuple[str, ...] | None:
        """Classes that cannot be left out, perhaps none; None where no set could be calibrated."""
        return None if self.answer.decision is None else self.answer.decision.conformal_set

    @property
    def calls(self) -> tuple[Call, ...]:
        """One per operating point."""
        return () if self.answer.decision is None else self.answer.decision.calls


class Answerer(Protocol):
    """A model that answers for files."""

    def answer(self, path: Path) -> AnsweredPicture:
        """Answer for one DICOM file; a DataError or InferenceError refuses it in words without patient data."""
        ...
