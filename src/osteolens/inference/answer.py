"""What is said of one picture: probabilities, what follows from them, and how far they can be relied on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osteolens.errors import DataError
from osteolens.inference.novelty import Novelty


@dataclass(frozen=True, slots=True)
class Call:
    """The answer to a yes-or-no question at an operating point.

    Attributes
    ----------
    question, point
        For example ``Malignant against the rest`` and ``high_sensitivity``.
    score
        Probability of yes, 0 to 1.
    """

    question: str
    point: str
    threshold: float
    score: float

    @property
    def positive(self) -> bool:
        """Whether the score is above the threshold."""
        return self.score > self.threshold


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an answer by what was chosen on validation images.

    Attributes
    ----------
    calibrated
        Class name to probability after temperature scaling; None where no temperature could be fitted.
    conformal_set
        Classes that cannot be left out, perhaps none; None where no set could be calibrated.
    calls
        One per operating point.
    """

    calibrated: dict[str, float] | None
    conformal_set: tuple[str, ...] | None
    calls: tuple[Call, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        calls = [dataclasses.asdict(call) | {"positive": call.positive} for call in self.calls]
        members = None if self.conformal_set is None else list(self.conformal_set)
        return {"calibrated": self.calibrated, "conformal_set": members, "calls": calls}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decision:
        """Rebuild from :meth:`to_dict`."""
        members = None if values["conformal_set"] is None else tuple(values["conformal_set"])
        names = [item.name for item in dataclasses.fields(Call)]
        calls = tuple(Call(**{name: call[name] for name in names}) for call in values["calls"])
        return cls(values["calibrated"], members, calls)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a gate would not let a picture pass.

    Attributes
    ----------
    gate
        Its name, for tables and for ``--accept``.
    reason
        Half a sentence about the picture, to follow its name; it tells nothing that is patient data.
    """

    gate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes
    ----------
    image
        File name of the picture, below the folder that was asked for.
    probabilities
        Class name to probability as predicted; they sum to 1.
    decision
        What follows from them; None where nothing is known of what was chosen on validation images.
    novelty
        How far the picture lies from those trained on; None where the network cannot tell.
    accepted
        What gates had against the picture and was overruled by ``--accept``.
    """

    image: str
    probabilities: dict[str, float]
    decision: Decision | None = None
    novelty: Novelty | None = None
    accepted: tuple[Objection, ...] = ()

    def __post_init__(self) -> None:
        values = list(self.probabilities.values())
        if not values or not all(math.isfinite(v) and 0 <= v <= 1 for v in values):
            raise DataError(f"{self.image}: probabilities must lie in 0 to 1, not {self.probabilities}.")
        if abs(sum(values) - 1) > 1e-3:
            raise DataError(f"{self.image}: probabilities must sum to 1, not {sum(values):.4f}.")

    @property
    def label(self) -> str:
        """The most probable class; of equals the first. A temperature does not change it."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def best_probabilities(self) -> dict[str, float]:
        """The probabilities to show: calibrated where they are known, else as predicted."""
        calibrated = None if self.decision is None else self.decision.calibrated
        return self.probabilities if calibrated is None else calibrated

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, as docs/inference.md describes them."""
        return {
            "image": self.image,
            "label": self.label,
            "probabilities": self.probabilities,
            "decision": None if self.decision is None else self.decision.to_dict(),
            "novelty": None if self.novelty is None else self.novelty.to_dict(),
            "accepted": [dataclasses.asdict(objection) for objection in self.accepted],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Answer:
        """Rebuild from :meth:`to_dict`; further keys are passed over."""
        decision, novelty = values["decision"], values["novelty"]
        return cls(
            image=values["image"],
            probabilities=values["probabilities"],
            decision=None if decision is None else Decision.from_dict(decision),
            novelty=None if novelty is None else Novelty.from_dict(novelty),
            accepted=tuple(Objection(**objection) for objection in values["accepted"]),
        )
