"""The tables of a comparison page; every cell is a figure of the comparison record, only formatted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.evaluation.comparison_figure import KIND_WORDS
from osteolens.evaluation.fixed_specificity import AT_SPECIFICITY
from osteolens.evaluation.headline import METRICS
from osteolens.evaluation.pairs import figure_leaves
from osteolens.evaluation.published import THREE_CLASSES
from osteolens.reporting.html import PageTable, count, fixed, percent
from osteolens.reporting.metric_table import (
    MetricCell,
    MetricTable,
    count_cell,
    difference_cell,
    metric_cell,
    share_cell,
)
from osteolens.reporting.run_tables import METRIC_NAMES

SENSITIVITY, PRECISION = "sensitivity", "precision"
NOT_GIVEN = MetricCell("not given")
_FURTHER_NAMES = {"macro_f1": "Macro F1", "f1": "F1", "auc": "AUC", "mean_iou": "Mean IoU of maps"}
_TARGET_NAMES = {
    "accuracy": "Accuracy",
    "malignant_sensitivity": "Malignant sensitivity",
    "mean_iou": "Mean IoU of maps",
}


def figure_name(record: dict[str, Any], metric: str, name: str | None = None) -> str:
    """Return what a figure is called in a heading."""
    if metric == AT_SPECIFICITY:
        return f"Malignant sensitivity at {percent(record['specificity'], 0)} specificity"
    return f"{METRIC_NAMES[metric]} {name}" if name else METRIC_NAMES[metric]


def runs_table(record: dict[str, Any]) -> MetricTable:
    """Return one row per run: what it shares with train, size, figures with intervals."""
    rows = []
    for run in record["runs"]:
        sizes = (count_cell(run["n"]), count_cell(run["cases"]))
        cells = (_shared_tumours(run), *sizes, *(metric_cell(entry) for entry in _in_order(record, run["figures"])))
        rows.append((f"{run['label']} ({KIND_WORDS[run['kind']]})", cells))
    caption = f"Runs, the honest ones first, with {_level(record)} intervals by {record['resampled_by']}"
    headings = ("Run", "Tumours with their case in train", "Images", "Cases", *_headings(record))
    return MetricTable("runs", caption, headings, tuple(rows))


def published_table(record: dict[str, Any]) -> MetricTable:
    """Return the same columns of the published three-class figures, as far as their sources give them."""
    rows: list[tuple[str, tuple[MetricCell, ...]]] = []
    for system in record["published"]:
        if system["task"] != THREE_CLASSES:
            continue
        shares = system["leaking_shares"]
        leak = NOT_GIVEN if shares is None else MetricCell(percent(shares["tumours"]))
        images = NOT_GIVEN if system["images"] is None else count_cell(system["images"])
        figures = (published_cell(entry) for entry in _in_order(record, system["figures"]))
        word = {True: "leaks", False: "no shared case", None: "sharing unknown"}[system["leaks"]]
        rows.append((f"{system['short']} ({word})", (leak, images, *figures)))
    caption = "Published figures, and figures measured beforehand; intervals where the source gives them"
    headings = ("Tumours with their case in train", "Images", *_headings(record))
    given = [place for place in range(len(headings)) if any(cells[place] != NOT_GIVEN for _, cells in rows)]
    kept = tuple((name, tuple(cells[place] for place in given)) for name, cells in rows)
    return MetricTable("published", caption, ("System", *(headings[place] for place in given)), kept)


def gap_tables(record: dict[str, Any]) -> list[MetricTable]:
    """Return one table per two splits of an experiment: figures on the easier and on the harder one, difference."""
    tables = []
    for number, gap in enumerate(record["gaps"], start=1):
        both = gap["overlap"]
        caption = (
            f"{gap['first']} less {gap['second']}: {count(both['cases_both'])} cases in both, of "
            f"{count(both['cases_first'])} and {count(both['cases_second'])}; {_level(record)} intervals"
        )
        headings = ("Figure", gap["first"], gap["second"], "Difference")
        tables.append(MetricTable(f"gap-{number}", caption, headings, tuple(_difference_rows(record, gap))))
    return tables


def comparison_tables(record: dict[str, Any]) -> list[MetricTable]:
    """Return one table per two runs on the same images: figures, difference, p-values."""
    tables = []
    for number, pair in enumerate(record["comparisons"], start=1):
        caption = (
            f"{pair['first']} less {pair['second']}: {count(pair['n'])} images of {count(pair['cases'])} cases; "
            f"{_level(record)} intervals"
        )
        headings = ("Figure", pair["first"], pair["second"], "Difference", "p", "p, corrected")
        rows = _difference_rows(record, pair, ("p_value", "p_holm"))
        tables.append(MetricTable(f"pair-{number}", caption, headings, tuple(rows)))
    return tables


def exchanged_table(system: dict[str, Any]) -> MetricTable:
    """Return precision and recall of a system whose two are usually quoted the wrong way round, side by side."""
    quoted, counts, rows = system["as_quoted"], system["counts"], []
    for name in system["figures"][SENSITIVITY]:
        cells = (
            _with_counts(system["figures"][SENSITIVITY][name], counts["right"][name], counts["of"][name]),
            _with_counts(system["figures"][PRECISION][name], counts["right"][name], counts["called"][name]),
            MetricCell(fixed(quoted["recall"][name])),
            MetricCell(fixed(quoted["precision"][name])),
        )
        rows.append((name, cells))
    headings = ("Class", "Recall", "Precision", "Quoted as recall", "Quoted as precision")
    caption = f"{system['name']}: which figure is which"
    return MetricTable(f"{system['key']}-exchanged", caption, headings, tuple(rows))


def targets_table(record: dict[str, Any]) -> PageTable:
    """Return the aims first set for the grid."""
    rows = tuple(
        (_TARGET_NAMES[target["figure"]], target["where"], f"above {fixed(target['above'], 2)}")
        for target in record["targets"]
    )
    return PageTable(
        ("Figure", "Set for", "Target"), rows, "Targets first set for the experiment grid: aims, no results"
    )


def further_figures(system: dict[str, Any]) -> str:
    """Return in words the figures of a published system that its row in the table has no column for."""
    in_table = system["task"] == THREE_CLASSES
    parts = []
    for metric, name, entry in figure_leaves(system["figures"]):
        if in_table and (metric in METRICS or metric == SENSITIVITY):
            continue
        label = (METRIC_NAMES | _FURTHER_NAMES)[metric]
        parts.append(f"{label} {name} {fixed(entry['value'])}" if name else f"{label} {fixed(entry['value'])}")
    return ", ".join(parts)


def published_cell(entry: dict[str, Any] | None) -> MetricCell:
    """Return a figure of a source, without a footnote where the source gives no interval."""
    if entry is None:
        return NOT_GIVEN
    cell = metric_cell(entry)
    return cell if entry["low"] is not None else MetricCell(cell.text)


def p_text(value: float | None) -> str:
    """Return a p-value with three decimals, a small one as a power of ten."""
    return f"{value:.1e}" if value is not None and value < 0.001 else fixed(value)


def _headings(record: dict[str, Any]) -> tuple[str, ...]:
    by_class = [figure_name(record, SENSITIVITY, name) for name in record["class_names"]]
    return (*(figure_name(record, metric) for metric in METRICS), *by_class, figure_name(record, AT_SPECIFICITY))


def _in_order(record: dict[str, Any], figures: dict[str, Any]) -> list[Any]:
    """Return the entries in the order of the headings, None for a figure that is not there."""
    by_class = [figures.get(SENSITIVITY, {}).get(name) for name in record["class_names"]]
    return [*(figures.get(metric) for metric in METRICS), *by_class, figures.get(AT_SPECIFICITY)]


def _difference_rows(
    record: dict[str, Any], pair: dict[str, Any], p_values: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[MetricCell, ...]]]:
    """Yield, for each figure, that of either side, the difference, and p-values."""
    for metric, name, entry in figure_leaves(pair["figures"]):
        sides = tuple(MetricCell(fixed(entry[key])) for key in ("first", "second"))
        told = tuple(MetricCell(p_text(entry[key])) for key in p_values)
        yield figure_name(record, metric, name), (*sides, difference_cell(entry), *told)


def _level(record: dict[str, Any]) -> str:
    return percent(record["confidence"], 0)


def _shared_tumours(run: dict[str, Any]) -> MetricCell:
    if run["train_overlap"] is None:
        return MetricCell("not known")
    shared = run["train_overlap"]["shared"]
    entry = shared.get("tumours", shared["all"])
    return share_cell(entry["shared"], entry["n"]) if entry["n"] else MetricCell("no image")


def _with_counts(entry: dict[str, Any], part: int, whole: int) -> MetricCell:
    return MetricCell(fixed(entry["value"]), f"{count(part)} of {count(whole)}")
