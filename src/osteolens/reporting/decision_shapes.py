"""What the reports need of ``decisions.json``; see :mod:`osteolens.reporting.record_shapes`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from osteolens.reporting.record_shapes import ByClass, EachClass, Figure, Number


class Size(TypedDict):
    """A part, on which something was chosen or reported."""

    split: str
    n: int
    cases: int


class CalibrationError(Figure):
    """ECE beside that of a calibrated model."""

    by_chance: float


class Reliability(TypedDict):
    """How far the probabilities of a part can be believed."""

    nll: Figure
    brier: Figure
    ece: CalibrationError
    classwise_ece: CalibrationError


class Calibration(TypedDict):
    """One way of calibrating; None where it was not fitted."""

    scaling: dict[str, Any] | None
    reason: str | None
    test: Reliability | None


class AsPredicted(TypedDict):
    """The probabilities as they are."""

    reason: str | None
    test: Reliability


class Temperature(TypedDict):
    """A fitted temperature."""

    temperature: float


class TemperatureScaling(TypedDict):
    """Temperature scaling."""

    scaling: Temperature | None
    reason: str | None
    test: Reliability | None


class Calibrations(TypedDict):
    """All ways of calibrating."""

    as_predicted: AsPredicted
    temperature: TemperatureScaling
    vector: Calibration


class Sets(TypedDict):
    """Conformal sets as they were made."""

    cutoffs: EachClass[float]
    cases: EachClass[int]


class ClassCoverage(TypedDict):
    """Sets of the images of one class."""

    coverage: Figure
    coverage_of_cases: Figure
    mean_size: Number


class Coverage(TypedDict):
    """Sets of the test part."""

    coverage: Figure
    per_class: ByClass[ClassCoverage]
    mean_size: float
    sizes: dict[str, float]


class Conformal(TypedDict):
    """Conformal sets; None where there is no part to make them on."""

    level: float
    reason: str | None
    sets: Sets | None
    test: Coverage | None


class RiskArea(Figure):
    """AURC or AUGRC."""

    chance: float


class RiskCurve(TypedDict):
    """Error of the answers given, by coverage."""

    coverage: list[float]
    risk: list[float]


class Selective(TypedDict):
    """Withheld answers."""

    aurc: RiskArea
    augrc: RiskArea
    curve: RiskCurve


class Called(Figure):
    """A figure with the number of images that it rests on."""

    n: int


class PointFigures(TypedDict):
    """What a threshold gives on one part."""

    sensitivity: Figure
    specificity: Figure
    positive_predictive_value: Called
    negative_predictive_value: Figure


class OperatingPoint(TypedDict):
    """A threshold and what it was chosen for; None where there is none."""

    aim: dict[str, float]
    threshold: Number
    reason: str | None
    validation: PointFigures | None
    test: PointFigures | None


class Points(TypedDict):
    """The two thresholds of a question."""

    high_sensitivity: OperatingPoint
    high_specificity: OperatingPoint


class OperatingPoints(TypedDict):
    """By question."""

    reason: str | None
    questions: dict[str, Points] | None


class DecisionCurve(TypedDict):
    """Net benefit by threshold."""

    prevalence: float
    thresholds: list[float]
    treat_none: float
    low: list[float]
    treat_all: list[float]
    reason: str | None


class Shares(TypedDict):
    """Class shares."""

    validation: ByClass[float]
    test: ByClass[float]
    estimated: ByClass[float]


class ShiftScores(TypedDict):
    """Figures of the test part."""

    accuracy: Number
    balanced_accuracy: Number
    nll: Number
    brier: Number


class PriorShift(TypedDict):
    """Class shares told without labels, and what correcting for them does."""

    reason: str | None
    steps: int | None
    shares: Shares | None
    before: ShiftScores | None
    after: ShiftScores | None


class Decisions(TypedDict):
    """``decisions.json``."""

    predictions_sha256: str
    validation_sha256: str | None
    class_names: list[str]
    confidence: float
    resamples: int
    fitted: bool
    reason: str | None
    chosen_on: str | None
    validation: Size | None
    test: Size
    cases_in_both: int
    probabilities: str
    calibration: Calibrations
    conformal: Conformal
    selective: Selective
    operating_points: OperatingPoints
    decision_curves: dict[str, DecisionCurve]
    prior_shift: PriorShift
