"""What a model's probabilities are worth for decisions: everything chosen on validation and seen on test.

The test part is never used to choose. A split without a test part is reported on its validation part; then nothing is
fitted, and the result says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.errors import EvaluationError
from osteolens.evaluation.calibration import Scaling, fit_temperature, fit_vector
from osteolens.evaluation.conformal import calibrate_sets, set_figures
from osteolens.evaluation.decision_curve import decision_curve
from osteolens.evaluation.metrics import Floats, Integers, point_metrics
from osteolens.evaluation.operating import choose_thresholds, point_figures
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.prior_shift import estimate_prior_shift
from osteolens.evaluation.questions import questions
from osteolens.evaluation.reliability import brier_scores, negative_log_likelihood, reliability
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.selective import selective_figures
from osteolens.randomness import named_generator

LEVEL = 0.9  # coverage promised by the conformal sets
# whether the validation part also chose the epoch of training: what is to be said then
EPOCH_CHOSEN = {
    True: "The validation images also chose the epoch of training, so what is fitted on them may promise a little too "
    "much.",
    False: None,
    None: "It is not known whether the validation images also chose the epoch of training; if they did, what is fitted "
    "on them may promise a little too much.",
}
NOTHING_FITTED = "there is no validation part beside the evaluated one, and nothing may be fitted on what is evaluated"

_METHODS: dict[str, Callable[[Integers, Floats], Scaling]] = {"temperature": fit_temperature, "vector": fit_vector}


@dataclass(frozen=True, slots=True)
class _Options:
    names: tuple[str, ...]
    resampling: Resampling


@dataclass(frozen=True, slots=True)
class _Part:
    """One part with its resamples and the probabilities of each calibration that could be fitted."""

    split: str
    labels: Integers
    cases: NDArray[np.str_]
    weights: NDArray[np.int32]
    probabilities: dict[str, Floats]

    @classmethod
    def of(cls, table: PredictionsTable, scalings: dict[str, Scaling], resampling: Resampling) -> _Part:
        weights = resampling.weights(table.cases, table.labels)
        raw = table.probabilities
        fitted = {method: scaling.apply(raw) for method, scaling in scalings.items()}
        return cls(table.splits[0], table.labels, table.cases, weights, {"as_predicted": raw} | fitted)

    @property
    def calibrated(self) -> Floats:
        """Probabilities after temperature scaling, as predicted where none was fitted."""
        return self.probabilities.get("temperature", self.probabilities["as_predicted"])


def decisions(
    validation: PredictionsTable | None,
    test: PredictionsTable,
    resampling: Resampling,
    *,
    epoch_chosen: bool | None = None,
) -> dict[str, Any]:
    """Work out calibration, conformal sets, selective risk, operating points, decision curves and prior shift.

    Parameters
    ----------
    validation
        Images on which everything is chosen; None where there are none besides `test`: then nothing is fitted.
    test
        Images on which it is reported.
    resampling
        Its seed is that of every draw; its method is not used.
    epoch_chosen
        Whether the epoch of training was chosen on `validation` too; None where that is not known.

    Returns
    -------
    dict
        For ``decisions.json``. ``fitted`` and ``reason``; ``chosen_on``, a sentence where the epoch of training was,
        or may have been, chosen on the validation part; ``validation`` and ``test`` (split, images, cases);
        ``cases_in_both``; ``probabilities``, the calibration that selective risk, operating points and decision curves
        use; ``calibration``, ``conformal``, ``selective``, ``operating_points``, ``decision_curves``, ``prior_shift``.
        What could not be worked out is None and has a ``reason`` beside it.

    Raises
    ------
    EvaluationError
        A table holds several splits, the classes differ, or an image is in both.

    Notes
    -----
    Conformal sets use the probabilities as predicted: a temperature fitted on the calibration images would make these
    differ, a little, from new ones. Prior shift uses vector scaling, whose mean probabilities on validation are the
    class shares there.
    """
    _check(validation, test)
    options = _Options(test.class_names, resampling)
    scalings, obstacles = _fit(validation)
    tested = _Part.of(test, scalings, resampling)
    fitted_on = None if validation is None else _Part.of(validation, scalings, resampling)
    both = set() if validation is None else set(validation.cases) & set(test.cases)
    return {
        "class_names": list(test.class_names),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "fitted": fitted_on is not None,
        "reason": NOTHING_FITTED if fitted_on is None else None,
        "chosen_on": None if fitted_on is None else EPOCH_CHOSEN[epoch_chosen],
        "validation": None if fitted_on is None else _size(fitted_on),
        "test": _size(tested),
        "cases_in_both": len(both),
        "probabilities": "temperature" if "temperature" in scalings else "as_predicted",
        "calibration": {
            method: _scaling(scalings.get(method), obstacles.get(method))
            | _reliability(method, fitted_on, tested, options)
            for method in ("as_predicted", *_METHODS)
        },
        "conformal": _conformal(fitted_on, tested, options),
        "selective": _selective(tested, resampling.confidence),
        "operating_points": _operating_points(fitted_on, tested, options),
        "decision_curves": {
            question.name: decision_curve(
                question.truth(tested.labels), question.score(tested.calibrated), tested.weights, resampling.confidence
            )
            for question in questions(options.names)
        },
        "prior_shift": _prior_shift(fitted_on, tested, obstacles, options),
    }


def _check(validation: PredictionsTable | None, test: PredictionsTable) -> None:
    for table in (validation, test):
        if table is not None and len(table.splits) > 1:
            raise EvaluationError(
                f"a table for decisions holds the splits {', '.join(table.splits)}. Choose one with part()."
            )
    if validation is None:
        return
    if validation.class_names != test.class_names:
        raise EvaluationError(
            f"validation has the classes {', '.join(validation.class_names)} and test {', '.join(test.class_names)}. "
            "Use two parts of one predictions table."
        )
    if repeated := sorted(set(validation.frame[Column.IMAGE_ID]) & set(test.frame[Column.IMAGE_ID])):
        raise EvaluationError(
            f"{len(repeated)} images are in validation and in test, such as {repeated[0]}; nothing may be chosen on "
            "test images. Use separate parts, or no validation part."
        )


def _fit(validation: PredictionsTable | None) -> tuple[dict[str, Scaling], dict[str, str]]:
    """Return the scalings that could be fitted, and why the others could not."""
    if validation is None:
        return {}, dict.fromkeys(_METHODS, NOTHING_FITTED)
    scalings, obstacles = {}, {}
    for method in _METHODS:
        outcome = _attempt(method, validation)
        if isinstance(outcome, Scaling):
            scalings[method] = outcome
        else:
            obstacles[method] = outcome
    return scalings, obstacles


def _attempt(method: str, validation: PredictionsTable) -> Scaling | str:
    try:
        return _METHODS[method](validation.labels, validation.probabilities)
    except EvaluationError as error:
        return str(error)


def _size(part: _Part) -> dict[str, Any]:
    return {"split": part.split, "n": len(part.labels), "cases": int(np.unique(part.cases).size)}


def _scaling(scaling: Scaling | None, obstacle: str | None) -> dict[str, Any]:
    if scaling is None:
        return {"scaling": None, "reason": obstacle}
    return {"scaling": scaling.to_json(), "reason": scaling.reason}


def _reliability(method: str, validation: _Part | None, test: _Part, options: _Options) -> dict[str, Any]:
    """Return the figures of both parts after one way of calibrating, None where it could not be fitted."""
    figures: dict[str, Any] = {"validation": None, "test": None}
    for name, part in (("validation", validation), ("test", test)):
        if part is not None and method in part.probabilities:
            figures[name] = reliability(
                part.labels,
                part.probabilities[method],
                part.cases,
                part.weights,
                class_names=options.names,
                confidence=options.resampling.confidence,
                generator=named_generator(options.resampling.seed, "calibration error", method, name),
            )
    return figures


def _conformal(validation: _Part | None, test: _Part, options: _Options) -> dict[str, Any]:
    if validation is None:
        return {"level": LEVEL, "reason": NOTHING_FITTED, "sets": None, "test": None}
    sets = calibrate_sets(
        validation.labels,
        validation.probabilities["as_predicted"],
        validation.cases,
        class_names=options.names,
        level=LEVEL,
        generator=named_generator(options.resampling.seed, "conformal"),
    )
    members = sets.apply(test.probabilities["as_predicted"])
    level = options.resampling.confidence
    figures = set_figures(members, test.labels, test.cases, class_names=options.names, confidence=level)
    reason = "; ".join(filter(None, sets.reasons)) or None
    return {"level": LEVEL, "reason": reason, "sets": sets.to_json(), "test": figures}


def _selective(test: _Part, confidence: float) -> dict[str, Any]:
    certainty = test.calibrated.max(axis=1)
    correct = test.calibrated.argmax(axis=1) == test.labels
    return selective_figures(certainty, correct, test.weights, confidence)


def _operating_points(validation: _Part | None, test: _Part, options: _Options) -> dict[str, Any]:
    """Return, by question, the two points with what they give on both parts."""
    if validation is None:
        return {"reason": NOTHING_FITTED, "questions": None}
    answered = {}
    for question in questions(options.names):
        scored = {
            name: (question.truth(part.labels), question.score(part.calibrated), part.cases)
            for name, part in (("validation", validation), ("test", test))
        }
        points = choose_thresholds(*scored["validation"][:2])
        for point in points.values():
            threshold = point["threshold"]
            point |= {
                name: None if threshold is None else point_figures(*given, threshold, options.resampling.confidence)
                for name, given in scored.items()
            }
        answered[question.name] = points
    return {"reason": None, "questions": answered}


def _prior_shift(validation: _Part | None, test: _Part, obstacles: dict[str, str], options: _Options) -> dict[str, Any]:
    """Return the class shares of test as estimated without its labels, and what the correction does."""
    if validation is None or "vector" in obstacles:
        return {"reason": obstacles["vector"], "steps": None, "shares": None, "before": None, "after": None}
    probabilities = test.probabilities["vector"]
    shift = estimate_prior_shift(probabilities, validation.probabilities["vector"].mean(axis=0))
    classes = len(options.names)
    shares = {
        "validation": np.bincount(validation.labels, minlength=classes) / len(validation.labels),
        "test": np.bincount(test.labels, minlength=classes) / len(test.labels),
        "estimated": np.array(shift.target),
    }
    return {
        "reason": shift.reason,
        "steps": shift.steps,
        "shares": {name: dict(zip(options.names, values.tolist(), strict=True)) for name, values in shares.items()},
        "before": _scores(test.labels, probabilities),
        "after": _scores(test.labels, shift.apply(probabilities)),
    }


def _scores(labels: Integers, probabilities: Floats) -> dict[str, float | None]:
    metrics = point_metrics(labels, probabilities)
    balanced = float(metrics["balanced_accuracy"])
    return {
        "accuracy": float(metrics["accuracy"]),
        "balanced_accuracy": None if np.isnan(balanced) else balanced,
        "nll": float(negative_log_likelihood(labels, probabilities).mean()),
        "brier": float(brier_scores(labels, probabilities).mean()),
    }
