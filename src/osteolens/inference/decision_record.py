"""What was chosen on validation images for one checkpoint, applied to new answers: the one way for all runtimes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.errors import DataError, EvaluationError
from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.conformal import ConformalSets
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.questions import Question, questions
from osteolens.inference.answer import Call, Decision
from osteolens.storage import RunFolder, read_json

DECISIONS_FILE, VALIDATION_IDENTITY = "decisions.json", "validation_sha256"
_EVALUATE_AGAIN = "If it is the right run, evaluate it again (osteolens eval)."
_OWN_RUN = "Name the folder of the checkpoint's own run with --run."


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on the probability of yes to a question.

    Attributes
    ----------
    name
        ``high_sensitivity`` or ``high_specificity``.
    aim
        The figure that it keeps on validation images, such as ``{"sensitivity": 0.9}``.
    threshold
        An image is called positive where its probability of yes is above it.
    """

    question: Question
    name: str
    aim: dict[str, float]
    threshold: float


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Temperature, conformal sets and operating points of one network.

    Attributes
    ----------
    class_names
        In the order of the probabilities.
    predictions_sha256, validation_sha256
        Identity of the answers that the record was evaluated and chosen on; the latter is None where nothing was.
    scaling
        Temperature of the probabilities, None where none could be fitted.
    reason
        Why it could not be fitted, or what is doubtful in it.
    conformal
        Cutoffs for the probabilities as predicted, None where none could be chosen.
    points
        Thresholds for the calibrated probabilities, for those as predicted where there is no temperature.
    chosen_on
        A sentence on the validation images where something is to be said of them.
    """

    class_names: tuple[str, ...]
    predictions_sha256: str
    validation_sha256: str | None
    scaling: Scaling | None
    reason: str | None
    conformal: ConformalSets | None
    points: tuple[OperatingPoint, ...]
    chosen_on: str | None

    def __post_init__(self) -> None:
        lengths = {len(self.class_names)}
        lengths |= set() if self.scaling is None else {len(self.scaling.weights)}
        lengths |= set() if self.conformal is None else {len(self.conformal.cutoffs)}
        if len(lengths) > 1:
            raise DataError(f"decisions of {len(self.class_names)} classes hold lists of {sorted(lengths)}.")
        cutoffs = () if self.conformal is None else self.conformal.cutoffs
        numbers = np.array([*cutoffs, *(point.threshold for point in self.points)], np.float64)
        if not np.isfinite(numbers).all():
            raise DataError("a threshold or a cutoff of the decisions is not a finite number.")

    @classmethod
    def from_dict(cls, values: Any) -> DecisionRecord:
        """Build from the content of ``decisions.json`` or from :meth:`to_dict`, which has the same layout.

        Raises
        ------
        DataError
            Something is missing or impossible.
        """
        try:
            names = tuple(map(str, values["class_names"]))
            temperature, sets = values["calibration"]["temperature"], values["conformal"]["sets"]
            scaling = temperature["scaling"]
            return cls(
                class_names=names,
                predictions_sha256=str(values[IDENTITY]),
                validation_sha256=values[VALIDATION_IDENTITY],
                scaling=None if scaling is None else Scaling.from_json(scaling),
                reason=temperature["reason"],
                conformal=None if sets is None else ConformalSets.from_json(sets),
                points=tuple(_read_points(values["operating_points"]["questions"] or {}, names)),
                chosen_on=values["chosen_on"],
            )
        except (KeyError, TypeError, ValueError, AttributeError, EvaluationError) as error:
            raise DataError(f"the decisions are incomplete ({type(error).__name__}: {error}).") from error

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, the part of ``decisions.json`` that answers need."""
        asked: dict[str, dict[str, Any]] = {}
        for point in self.points:
            entry = {"aim": point.aim, "threshold": point.threshold}
            asked.setdefault(point.question.name, {})[point.name] = entry
        scaling = None if self.scaling is None else self.scaling.to_json()
        return {
            IDENTITY: self.predictions_sha256,
            VALIDATION_IDENTITY: self.validation_sha256,
            "class_names": list(self.class_names),
            "chosen_on": self.chosen_on,
            "calibration": {"temperature": {"scaling": scaling, "reason": self.reason}},
            "conformal": {"sets": None if self.conformal is None else self.conformal.to_json()},
            "operating_points": {"questions": asked},
        }

    @property
    def doubt(self) -> str | None:
        """What is doubtful in the temperature, where there is one."""
        return None if self.scaling is None else self.reason

    @property
    def crossings(self) -> list[str]:
        """A sentence per question whose threshold for high sensitivity lies above that for high specificity."""
        thresholds = {(point.question.name, point.name): point.threshold for point in self.points}
        names = dict.fromkeys(point.question.name for point in self.points)
        points = ("high_sensitivity", "high_specificity")
        pairs = {name: [thresholds.get((name, point)) for point in points] for name in names}
        return [
            f"{name}: the threshold for high sensitivity ({sensitive:.3f}) lies above that for high specificity "
            f"({specific:.3f}). Both aims were met on validation images, by different thresholds. A probability "
            "between them is above the one for high specificity and not above the one for high sensitivity."
            for name, (sensitive, specific) in pairs.items()
            if sensitive is not None and specific is not None and sensitive > specific
        ]

    def decide(self, probabilities: NDArray[np.float64]) -> list[Decision]:
        """Return what follows from probabilities as predicted, [N, K] in the order of the classes."""
        calibrated = None if self.scaling is None else self.scaling.apply(probabilities)
        sets = None if self.conformal is None else self.conformal.apply(probabilities)
        judged = probabilities if calibrated is None else calibrated
        scores = [point.question.score(judged) for point in self.points]
        return [
            Decision(
                calibrated=None if calibrated is None else self._by_class(calibrated[row]),
                conformal_set=None if sets is None else self._members(sets[row]),
                calls=tuple(
                    Call(point.question.name, point.name, point.threshold, float(score[row]))
                    for point, score in zip(self.points, scores, strict=True)
                ),
            )
            for row in range(len(probabilities))
        ]

    def _by_class(self, values: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.class_names, values.tolist(), strict=True))

    def _members(self, inside: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(name for name, member in zip(self.class_names, inside, strict=True) if member)


def read_decisions(run: RunFolder, *, checkpoint_sha256: str, class_names: Sequence[str]) -> DecisionRecord:
    """Read the decisions of a run and make sure that they belong to a checkpoint.

    They do where the predictions table of the run bears the checkpoint's hash and the decisions bear the identity of
    that table's answers.

    Raises
    ------
    DataError
        A file is missing or damaged, or the decisions are those of another checkpoint, of other answers or classes.
    EvaluationError
        The predictions table has violations.
    """
    path = run.evaluation / DECISIONS_FILE
    try:
        record = DecisionRecord.from_dict(read_json(path))
    except DataError as error:
        raise DataError(f"{path} cannot be used: {error} {_EVALUATE_AGAIN}") from error
    if record.class_names != tuple(class_names):
        raise DataError(
            f"{path} is of the classes {', '.join(record.class_names)}, the checkpoint answers with "
            f"{', '.join(class_names)}. {_OWN_RUN}"
        )
    table = PredictionsTable.from_csv(run.predictions)
    evaluated, validation = evaluation_parts(table)
    identities = (predictions_sha256(evaluated), None if validation is None else predictions_sha256(validation))
    if identities != (record.predictions_sha256, record.validation_sha256):
        raise DataError(f"{path} was made from other answers than {run.predictions} holds. {_EVALUATE_AGAIN}")
    if set(table.frame[Column.CHECKPOINT]) != {checkpoint_sha256}:
        raise DataError(f"{run.predictions} holds the answers of another checkpoint. {_OWN_RUN} {_EVALUATE_AGAIN}")
    return record


def _read_points(asked: dict[str, dict[str, Any]], class_names: tuple[str, ...]) -> Iterator[OperatingPoint]:
    """Yield the points that have a threshold; an unknown question raises KeyError."""
    known = {question.name: question for question in questions(class_names)}
    for question, points in asked.items():
        for name, point in points.items():
            if point["threshold"] is not None:
                yield OperatingPoint(known[question], name, dict(point["aim"]), float(point["threshold"]))
