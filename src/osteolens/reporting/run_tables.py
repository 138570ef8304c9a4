"""The tables of a run report; every cell is a figure of a result file, only formatted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osteolens.evaluation.conclusion import best_blind
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import count, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, metric_cell, share_cell
from osteolens.reporting.run_results import RunResults

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_auc": "Macro AUC",
    "macro_f1": "Macro F1",
    "macro_average_precision": "Macro average precision",
    "macro_precision": "Macro precision",
    "macro_specificity": "Macro specificity",
    "weighted_f1": "F1 weighted by images",
    "cohen_kappa": "Cohen's kappa",
    "mcc": "Matthews correlation",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "auc": "AUC",
    "average_precision": "Average precision",
}
HEADLINE = ("accuracy", "balanced_accuracy", "macro_auc", "macro_f1")
_OF_A_CLASS = ("sensitivity", "specificity", "precision", "f1", "auc", "average_precision")  # those of answers first


def level(run: EvaluationResults) -> str:
    """Return the level of the intervals, such as 95%."""
    return percent(run.summary["confidence"], 0)


def run_label(run: RunResults) -> str:
    """Return the split and whether it shares cases or files with train, in words."""
    if run.leaks:
        return f"{run.name} (shares {'cases' if run.evaluated_leakage['overall']['shared'] else 'files'})"
    return f"{run.name} ({'cases unknown' if run.kind == 'unknown' else 'no shared case'})"


def leakage_table(runs: Sequence[EvaluationResults]) -> MetricTable:
    """Return, for each evaluation part of each split and each class, the images that have a sibling in train."""
    classes = list(dict.fromkeys(name for run in runs for name in run.class_names))
    parts = [(run, part, entry) for run in runs for part, entry in run.leakage["evaluation"].items()]
    groups = ["tumours"] if any("tumours" in entry for _, _, entry in parts) else []
    copies = any("duplicated" in entry["overall"] for _, _, entry in parts)
    rows = []
    for run, part, entry in parts:
        found = {**entry["per_class"], **{name: entry.get(name) for name in groups}, "all": entry["overall"]}
        cells = [_shared(found.get(name), "shared") for name in (*classes, *groups, "all")]
        cells += [_shared(entry["overall"], "duplicated")] if copies else []
        reported = " (reported)" if part == run.part else ""
        rows.append((", ".join(filter(None, (run.name, part))) + reported, tuple(cells)))
    return MetricTable(
        "leakage",
        "Share of images with another image of the same case in train, per class (images of that kind in the part)",
        (
            *("Split, part", *classes, *(["All tumours"] if groups else []), "All images"),
            *(["Same file in train"] if copies else []),
        ),
        tuple(rows),
    )


def headline_table(runs: Sequence[RunResults]) -> MetricTable:
    """Return one row per run: leakage, size and main figures."""
    classes = runs[0].class_names
    rows = []
    for run in runs:
        overall, per_class = run.summary["overall"], run.summary["per_class"]
        figures = [overall[name] for name in HEADLINE] + [per_class[name]["sensitivity"] for name in classes]
        sizes = (_headline_leakage(run), MetricCell(count(run.summary["n"]), count(run.summary["cases"])))
        accuracy, *others = map(metric_cell, figures)
        rows.append((run_label(run), (*sizes, accuracy, _without_pixels(run), *others)))
    names = [METRIC_NAMES[name] for name in HEADLINE] + [f"Sensitivity {name}" for name in classes]
    names.insert(1, "Accuracy without pixels")
    caption = f"Figures of the {_parts(runs)} part with {level(runs[0])} intervals by case"
    return MetricTable(
        "headline", caption, ("Split", "Shared with train: tumours (all)", "Images (cases)", *names), tuple(rows)
    )


def _without_pixels(run: EvaluationResults) -> MetricCell:
    """Return the accuracy of the best model without pixels."""
    key = best_blind(run.honesty["blind"])
    return MetricCell("not known") if key is None else metric_cell(run.honesty["blind"][key]["scores"]["accuracy"])


def class_table(run: EvaluationResults) -> MetricTable:
    """Return every metric of every class."""
    rows = tuple(
        (
            name,
            (
                *(metric_cell(run.summary["per_class"][name][metric]) for metric in _OF_A_CLASS),
                count_cell(run.summary["per_class_n"][name]),
                count_cell(run.summary["per_class_cases"][name]),
            ),
        )
        for name in run.class_names
    )
    headings = ("Class", *(METRIC_NAMES[name] for name in _OF_A_CLASS), "Images", "Cases")
    return MetricTable(f"{run.anchor}-classes", "Each class against the rest", headings, rows)


def overall_table(run: EvaluationResults) -> MetricTable:
    """Return the metrics over all classes, one in a row."""
    cells = {name: metric_cell(entry) for name, entry in run.summary["overall"].items()}
    rows = tuple(
        (METRIC_NAMES[name], (MetricCell(cell.text, note=cell.note), MetricCell(cell.detail)))
        for name, cell in cells.items()
    )
    return MetricTable("overall", "All classes together", ("Figure", "Value", f"{level(run)} interval"), rows)


def _shared(entry: dict[str, Any] | None, key: str) -> MetricCell:
    if entry is None or not entry["n"]:
        return MetricCell("no image")
    return share_cell(entry[key], entry["n"])


def _headline_leakage(run: RunResults) -> MetricCell:
    entry = run.evaluated_leakage
    whole = percent(entry["overall"]["shared_fraction"])
    if "tumours" not in entry:
        return MetricCell(whole, "all images")
    return MetricCell(percent(entry["tumours"]["shared_fraction"]), whole)


def _parts(runs: Sequence[RunResults]) -> str:
    return " or ".join(dict.fromkeys(run.part for run in runs))
