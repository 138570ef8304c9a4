"""The tables of a run report; every cell is a figure of a result file, only formatted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from osteolens.domain import SPLIT_NAMES, Column
from osteolens.evaluation.metrics import CLASS_METRICS
from osteolens.reporting.html import PageTable, count, fixed, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, metric_cell, share_cell
from osteolens.reporting.run_results import RunResults

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_auc": "Macro AUC",
    "macro_f1": "Macro F1",
    "macro_average_precision": "Macro average precision",
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
FURTHER = ("macro_average_precision", "cohen_kappa", "mcc")
AVERAGED = {"macro avg": "Mean of the classes", "weighted avg": "Mean weighted by images"}
REPORT_KEYS = {"sensitivity": "recall", "precision": "precision", "f1": "f1-score"}

_MAP_SCORES = {
    "pointing_game": "Pointing game",
    "energy": "Energy in the lesion",
    "area_share": "Lesion's share of the area",
    "energy_ratio": "Energy / area share",
}
MAP_DIGITS = 3  # decimals of an interval: an overlap may be a few hundredths
_EMPTY = MetricCell("")


def level(run: RunResults) -> str:
    """Return the level of the intervals, such as 95%."""
    return percent(run.summary["confidence"], 0)


def run_label(run: RunResults) -> str:
    """Return the split scheme and whether it shares cases or files with train, in words."""
    if not run.leaks and not run.knows_cases:
        return f"{run.name} (cases unknown)"
    if not run.leaks:
        return f"{run.name} (no shared case)"
    return f"{run.name} (shares {'cases' if run.evaluated_leakage['overall']['shared'] else 'files'})"


def leakage_table(runs: Sequence[RunResults]) -> MetricTable:
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
        rows.append((f"{run.name}, {part}{' (reported)' if part == run.part else ''}", tuple(cells)))
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
        cells = (_headline_leakage(run), count_cell(run.summary["n"]), count_cell(run.summary["cases"]))
        rows.append((run_label(run), (*cells, *map(metric_cell, figures))))
    names = [METRIC_NAMES[name] for name in HEADLINE] + [f"Sensitivity {name}" for name in classes]
    caption = f"Figures of the {_parts(runs)} part with {level(runs[0])} intervals from resampling by case"
    return MetricTable(
        "headline", caption, ("Split", "Shared with train: tumours (all)", "Images", "Cases", *names), tuple(rows)
    )


def class_table(run: RunResults) -> MetricTable:
    """Return every metric of every class, then the averages over the classes."""
    rows = [
        (
            name,
            (
                count_cell(run.summary["per_class_n"][name]),
                *(metric_cell(run.summary["per_class"][name][metric]) for metric in CLASS_METRICS),
            ),
        )
        for name in run.class_names
    ]
    for key, label in AVERAGED.items():
        averages = run.averages[key]
        cells = [_average(averages[REPORT_KEYS[name]]) if name in REPORT_KEYS else _EMPTY for name in CLASS_METRICS]
        rows.append((label, (count_cell(averages["support"]), *cells)))
    headings = ("Class", "Images", *(METRIC_NAMES[name] for name in CLASS_METRICS))
    return MetricTable(f"{run.anchor}-classes", f"{run.name}: each class against the rest", headings, tuple(rows))


def further_table(run: RunResults) -> MetricTable:
    """Return the overall metrics that the headline leaves out."""
    cells = tuple(metric_cell(run.summary["overall"][name]) for name in FURTHER)
    headings = ("Classes", *(METRIC_NAMES[name] for name in FURTHER))
    return MetricTable(f"{run.anchor}-further", f"{run.name}: further figures", headings, (("All together", cells),))


def map_table(run: RunResults, report: dict[str, Any]) -> MetricTable:
    """Return the scores of the maps beside those of a map that always marks the centre."""
    columns = {"Maps": report["overall"], "Centre prior": report["centre_prior"]}
    if "all_shapes" in report:
        columns["Maps, boxes included"] = report["all_shapes"]
    rows = [
        (label, tuple(metric_cell(column[key], MAP_DIGITS) for column in columns.values()))
        for key, label in _score_names(report["overall"])
    ]
    caption = f"{run.name}: agreement with the annotation, mean over images, {level(run)} intervals"
    return MetricTable(f"{run.anchor}-maps", caption, ("Score", *columns), tuple(rows))


def map_group_table(run: RunResults, report: dict[str, Any], grouping: str, title: str) -> MetricTable:
    """Return the scores of the maps by ``per_class`` or ``per_size_band``; groups without an image are left out."""
    scores = list(_score_names(report["overall"]))
    rows = [
        (
            name,
            (
                count_cell(group["n"]),
                count_cell(group["cases"]),
                *(metric_cell(group[key], MAP_DIGITS) for key, _ in scores),
            ),
        )
        for name, group in report[grouping].items()
        if group["n"]
    ]
    headings = (title, "Images", "Cases", *(label for _, label in scores))
    return MetricTable(f"{run.anchor}-{grouping}", f"{run.name}: maps by {title.lower()}", headings, tuple(rows))


def counts_table(run: RunResults) -> PageTable:
    """Return images per class, and cases, of each part of the manifest."""
    frame = run.manifest.frame
    rows = []
    for name in (*(part for part in SPLIT_NAMES if run.manifest.has(part)), "all"):
        part = frame if name == "all" else frame[frame[Column.SPLIT] == name]
        classes = [count(int((part[Column.LABEL] == label).sum())) for label in run.class_names]
        rows.append((name, *classes, count(len(part)), count(part[Column.CASE].nunique())))
    return PageTable(("Part", *run.class_names, "Images", "Cases"), tuple(rows), f"{run.name}: images and cases")


def side_by_side(names: Sequence[str], records: Sequence[dict[str, Any]], caption: str) -> tuple[PageTable, ...]:
    """Return what records have in common as one table and, where they differ, one column per run as another."""
    flat = [dict(_leaves(record)) for record in records]
    keys = list(dict.fromkeys(key for record in flat for key in record))
    values = {key: [record.get(key, "") for record in flat] for key in keys}
    common = tuple((key, cells[0]) for key, cells in values.items() if len(set(cells)) == 1)
    different = tuple((key, *cells) for key, cells in values.items() if len(set(cells)) > 1)
    whose = f"{caption}, all runs" if len(names) > 1 else caption
    tables = (
        PageTable(("Entry", "Value"), common, whose),
        PageTable(("Entry", *names), different, f"{caption}, where the runs differ"),
    )
    return tuple(table for table in tables if table.rows)


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


def _average(value: float | None) -> MetricCell:
    if value is None:
        return metric_cell({"value": None, "reason": "the figure of a class is not defined"})
    return MetricCell(fixed(value))


def _score_names(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in scores:
        label = f"IoU at {key.removeprefix('iou_')}" if key.startswith("iou_") else _MAP_SCORES.get(key)
        if label is not None:
            yield key, label


def _parts(runs: Sequence[RunResults]) -> str:
    return " or ".join(dict.fromkeys(run.part for run in runs))


def _leaves(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{key}", "none" if value is None else str(value)
