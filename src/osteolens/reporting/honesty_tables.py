"""The tables of the honesty chapter; every cell is a figure of ``honesty.json``, only formatted."""

from __future__ import annotations

from typing import Any

from osteolens.evaluation.conclusion import given
from osteolens.evaluation.headline import METRICS
from osteolens.evaluation.honesty_figures import BLIND_NAMES, MODEL
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import PageTable, count, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, difference_cell, metric_cell
from osteolens.reporting.run_tables import METRIC_NAMES

EMPTY = MetricCell("")


def sibling_table(run: EvaluationResults) -> MetricTable:
    """Return the scores with and without a sibling in train, and their difference."""
    siblings = run.honesty["siblings"]
    rows = [
        ("With a sibling in train", _half(siblings["with_sibling"], run.class_names)),
        ("Without one: new cases", _half(siblings["without_sibling"], run.class_names)),
    ]
    if difference := siblings["difference"]:
        entries = _entries(difference, run.class_names)
        rows.append(("With minus without", (EMPTY, EMPTY, *map(difference_cell, entries))))
    headings = ("Evaluated images", "Images", "Cases", *_names(run.class_names))
    caption = f"With and without a sibling in train, {percent(run.honesty['confidence'], 0)} intervals"
    return MetricTable("siblings", caption, headings, tuple(rows))


def sibling_sources(run: EvaluationResults) -> PageTable:
    """Return how many images of each source have a sibling in train and how many do not."""
    halves = [run.honesty["siblings"][key].get("per_source_n", {}) for key in ("with_sibling", "without_sibling")]
    names = sorted(set().union(*halves))
    rows = tuple((name or "none given", *(count(half.get(name, 0)) for half in halves)) for name in names)
    return PageTable(("Source", "With a sibling", "Without"), rows, "Images by source")


def blind_table(run: EvaluationResults) -> MetricTable:
    """Return the model, then each blind model with what the model has more."""
    panel = run.honesty
    rows = [(MODEL, (*(metric_cell(panel["scores"][name]) for name in METRICS), EMPTY, EMPTY, EMPTY))]
    for key, model in panel["blind"].items():
        if not model["possible"]:
            continue
        told = f" ({given(model)})" if len(model["inputs"]) > 1 else ""
        scores = (metric_cell(model["scores"][name]) for name in METRICS)
        more = (difference_cell(model["advantage"][name]) for name in METRICS)
        rows.append((f"{BLIND_NAMES.get(key, key)}{told}", (*scores, *more)))
    names = [METRIC_NAMES[name] for name in METRICS]
    headings = ("Model (what it is given)", *names, *(f"Model minus this: {name}" for name in _lower(names)))
    caption = f"Figures of the {panel['split']} part, {percent(panel['confidence'], 0)} intervals by case"
    return MetricTable("blind-models", caption, headings, tuple(rows))


def within_table(run: EvaluationResults) -> MetricTable:
    """Return the AUC over all tumours, within sources, of the source alone, and in each source."""
    within = run.honesty["within_sources"]
    named = {
        "Within a source, pooled": within["pooled"],
        "All tumours together": within["overall"],
        "All tumours, knowing the source only": within["source_alone"],
        **{f"Source {name or 'not given'}": entry for name, entry in within["sources"].items()},
    }
    rows = tuple(
        (name, (metric_cell(entry), *(count_cell(entry[key]) for key in ("malignant", "benign", "pairs"))))
        for name, entry in named.items()
        if "value" in entry
    )
    headings = ("Tumours compared", "AUC", "Malignant", "Benign", "Pairs")
    caption = f"Malignant against benign, {percent(run.honesty['confidence'], 0)} intervals by case"
    return MetricTable("within-sources", caption, headings, rows)


def worst_table(run: EvaluationResults) -> MetricTable:
    """Return the subgroup with the lowest accuracy and that with the lowest macro AUC."""
    rows = tuple(
        (
            f"Lowest {_lower([METRIC_NAMES[metric]])[0]}: {worst['grouping']} {worst['group']}",
            (metric_cell(worst), *(count_cell(worst[key]) for key in ("n", "cases", "compared"))),
        )
        for metric, worst in run.honesty["subgroups"]["worst"].items()
        if worst is not None
    )
    return MetricTable(
        "worst-groups", "Lowest of all subgroups", ("Subgroup", "Value", "Images", "Cases", "Groups compared"), rows
    )


def _half(scores: dict[str, Any], class_names: list[str]) -> tuple[MetricCell, ...]:
    if not scores["n"]:
        return (count_cell(0), *(MetricCell("no image") for _ in range(len(METRICS) + len(class_names) + 1)))
    return (
        count_cell(scores["n"]),
        count_cell(scores["cases"]),
        *(metric_cell(entry) for entry in _entries(scores, class_names)),
    )


def _entries(scores: dict[str, Any], class_names: list[str]) -> list[dict[str, Any]]:
    return [scores[name] for name in METRICS] + [scores["sensitivity"][name] for name in class_names]


def _names(class_names: list[str]) -> list[str]:
    return [METRIC_NAMES[name] for name in METRICS] + [f"Sensitivity {name}" for name in class_names]


def _lower(names: list[str]) -> list[str]:
    """Return the names as they stand within a sentence: AUC keeps its capitals."""
    return [f"{name[0].lower()}{name[1:]}" for name in names]
