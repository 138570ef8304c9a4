"""The tables of the decision chapter; every cell is a figure of ``decisions.json``, only formatted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import PageTable, fixed, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, metric_cell

CALIBRATIONS = {"as_predicted": "As predicted", "temperature": "Temperature scaling", "vector": "Vector scaling"}

_POINT_FIGURES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "positive_predictive_value": "Positive predictive value",
    "negative_predictive_value": "Negative predictive value",
}
_SCORES = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "nll": "NLL", "brier": "Brier score"}


def operating_table(run: EvaluationResults, place: int, question: str) -> MetricTable:
    """Return both operating points of a question, each on validation and on test; `place` makes the key unique."""
    rows = []
    for point in run.decisions["operating_points"]["questions"][question].values():
        ((figure, least),) = point["aim"].items()
        for part in ("validation", "test"):
            name = f"{figure.capitalize()} of at least {percent(least, 0)}: {run.decisions[part]['split']}"
            rows.append((name, _point_cells(point, part)))
    headings = ("Chosen for: part", "Threshold", *_POINT_FIGURES.values(), "Images called positive")
    level = percent(run.decisions["confidence"], 0)
    return MetricTable(f"operating-{place}", f"{question}, {level} intervals by case", headings, tuple(rows))


def calibration_table(run: EvaluationResults) -> MetricTable:
    """Return NLL, Brier score and calibration errors of the test part before and after each scaling."""
    rows = []
    for method, found in run.decisions["calibration"].items():
        figures = found["test"]
        if figures is None:
            continue
        errors = (_error_cell(figures[key]) for key in ("ece", "classwise_ece"))
        rows.append((CALIBRATIONS[method], (metric_cell(figures["nll"]), metric_cell(figures["brier"]), *errors)))
    headings = ("Probabilities", "NLL", "Brier score", "ECE", "Classwise ECE")
    caption = f"Calibration on the {run.decisions['test']['split']} part; lower is better, 0 is the best"
    return MetricTable("calibration-errors", caption, headings, tuple(rows))


def conformal_table(run: EvaluationResults) -> MetricTable:
    """Return, per class and over all, how often the set holds the true class and how large it is."""
    conformal = run.decisions["conformal"]
    sets, tested = conformal["sets"], conformal["test"]
    rows = [
        (
            name,
            (
                count_cell(sets["cases"][place]),
                MetricCell(fixed(sets["cutoffs"][place])),
                metric_cell(tested["per_class"][name]["coverage"]),
                _promised(tested["per_class"][name]["coverage_of_cases"], conformal["level"]),
                MetricCell(fixed(tested["per_class"][name]["mean_size"], 2)),
            ),
        )
        for place, name in enumerate(run.class_names)
    ]
    empty = MetricCell("")
    whole = (empty, empty, metric_cell(tested["coverage"]), empty, MetricCell(fixed(tested["mean_size"], 2)))
    headings = (
        *("True class", "Calibration cases", "Least probability", "Sets holding the true class"),
        *("Each case counted once", "Mean number of classes"),
    )
    caption = f"Sets made to hold the true class for {percent(conformal['level'], 0)} of new cases of each class"
    return MetricTable("conformal-sets", caption, headings, (*rows, ("All", whole)))


def selective_table(run: EvaluationResults) -> MetricTable:
    """Return AURC and AUGRC beside what chance gives."""
    selective = run.decisions["selective"]
    rows = tuple(
        (label, (metric_cell(selective[key]), MetricCell(fixed(selective[key]["chance"]))))
        for key, label in (("aurc", "AURC"), ("augrc", "AUGRC"))
    )
    return MetricTable("selective-risk", "Area under the curve; lower is better", ("Curve", "Value", "By chance"), rows)


def share_table(shift: dict[str, Any]) -> PageTable:
    """Return the class shares of validation and test beside those estimated without labels."""
    shares = shift["shares"]
    rows = tuple((name, *(percent(shares[part][name]) for part in shares)) for name in shares["test"])
    names = {"validation": "Validation", "test": "Test, true", "estimated": "Test, estimated without labels"}
    return PageTable(("Class", *(names[part] for part in shares)), rows, "Shares of the classes")


def shift_table(shift: dict[str, Any]) -> PageTable:
    """Return the scores of the test part before and after the correction."""
    rows = tuple(
        (label, *(fixed(shift[when][key]) for key in _SCORES))
        for when, label in (("before", "Before"), ("after", "After"))
    )
    return PageTable(("Correction", *_SCORES.values()), rows, "What the correction does")


def _point_cells(point: dict[str, Any], part: str) -> tuple[MetricCell, ...]:
    if point["threshold"] is None:
        undefined = {"value": None, "reason": point["reason"]}
        return tuple(metric_cell(undefined) for _ in range(len(_POINT_FIGURES) + 2))
    figures = point[part]
    called = count_cell(figures["positive_predictive_value"]["n"])
    return (MetricCell(fixed(point["threshold"])), *(metric_cell(figures[key]) for key in _POINT_FIGURES), called)


def _promised(coverage: dict[str, Any], level: float) -> MetricCell:
    """Return the coverage by case, with a note where it is below the level that was promised."""
    cell = metric_cell(coverage)
    if coverage["value"] is None or coverage["value"] >= level:
        return cell
    if coverage["high"] < level:
        return replace(
            cell, note=f"the promise of {percent(level, 0)} is missed by more than the chance of these cases"
        )
    return replace(
        cell, note=f"below the promise of {percent(level, 0)}, but not by more than the chance of these cases"
    )


def _error_cell(error: dict[str, Any]) -> MetricCell:
    return MetricCell(fixed(error["value"]), f"by chance {fixed(error['by_chance'])}")
