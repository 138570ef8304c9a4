"""The chapter on subgroups: the headline figures of each, grouping by grouping."""

from __future__ import annotations

from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.headline import METRICS
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, metric_cell
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_tables import METRIC_NAMES


def subgroup_chapter(run: RunResults) -> Section:
    """Return one table for each grouping, and why a grouping is missing."""
    subgroups = run.honesty["subgroups"]
    few = subgroups["fewest_ranked"]
    blocks = [
        Block(
            "text",
            f"Each row is a part of the evaluated images. Those marked have fewer than {few} images and say little. "
            "A group that holds no image of a class has no balanced accuracy and no macro AUC. An image with several "
            f"views, regions or subtypes counts in each. Intervals: {percent(run.honesty['confidence'], 0)}, by case.",
        )
    ]
    blocks += [Block("metrics", _table(run, name, groups)) for name, groups in subgroups["groupings"].items()]
    refused = [f"No table by {name}: {reason}." for name, reason in subgroups["not_possible"].items()]
    if refused:
        blocks.append(Block("list", refused))
    return Section("subgroups", "Subgroups", tuple(blocks))


def _table(run: RunResults, grouping: str, groups: dict[str, dict[str, Any]]) -> MetricTable:
    few = run.honesty["subgroups"]["fewest_ranked"]
    has_malignant = MALIGNANT in run.class_names
    rows = tuple(
        (
            name if scores["ranked"] else f"{name} (fewer than {few})",
            (
                count_cell(scores["n"]),
                count_cell(scores["cases"]),
                *(metric_cell(scores[metric]) for metric in METRICS),
                *([_malignant(scores)] if has_malignant else []),
            ),
        )
        for name, scores in groups.items()
    )
    names = [METRIC_NAMES[metric] for metric in METRICS]
    headings = (grouping.capitalize(), "Images", "Cases", *names)
    malignant = (f"Sensitivity {MALIGNANT}",) if has_malignant else ()
    return MetricTable(f"by-{grouping.replace(' ', '-')}", f"By {grouping}", headings + malignant, rows)


def _malignant(scores: dict[str, Any]) -> MetricCell:
    """Return the sensitivity with the number of malignant images, on which alone it rests."""
    cell = metric_cell(scores["sensitivity"][MALIGNANT])
    number = scores["per_class_n"][MALIGNANT]
    return MetricCell(cell.text, f"{cell.detail}; n = {number}", cell.note) if number else cell
