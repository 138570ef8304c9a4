"""The chapter on subgroups: the headline figures of each, grouping by grouping."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.estimates import FEWEST_DRAWN
from osteolens.evaluation.headline import METRICS
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, count_cell, metric_cell
from osteolens.reporting.run_tables import METRIC_NAMES
from osteolens.reporting.run_words import ELSEWHERE
from osteolens.wording import counted


def subgroup_chapter(run: EvaluationResults) -> Section:
    """Return one table for each grouping, and why a grouping is missing."""
    subgroups = run.honesty["subgroups"]
    few = subgroups["fewest_ranked"]
    blocks = [
        Block(
            "text",
            f"Each row is a part of the evaluated images. Those marked have fewer than {few} images and say little. "
            "A group that holds no image of a class has no balanced accuracy and no macro AUC, and one with fewer than "
            f"{subgroups['fewest_cases']} cases of a class is not ranked by macro AUC, which a single case moves far. "
            f"An image with several views, regions or subtypes counts in each. Intervals: "
            f"{percent(run.honesty['confidence'], 0)}, by case; an accuracy or sensitivity that rests on fewer than "
            f"{FEWEST_DRAWN} effective cases (Kish: a case of many images outweighs the others) has Wilson's, since "
            "resamples of so few look surer than they are.",
        ),
        Block("text", ELSEWHERE),
    ]
    blocks += [Block("metrics", _table(run, name, groups)) for name, groups in subgroups["groupings"].items()]
    refused = [f"No table by {name}: {reason}." for name, reason in subgroups["not_possible"].items()]
    if refused:
        blocks.append(Block("list", refused))
    return Section("subgroups", "Subgroups", tuple(blocks))


def _table(run: EvaluationResults, grouping: str, groups: dict[str, dict[str, Any]]) -> MetricTable:
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
    """Return the sensitivity to malignant images."""
    if not scores["per_class_n"][MALIGNANT]:
        return MetricCell("no image")
    return resting_on(metric_cell(scores["sensitivity"][MALIGNANT]), scores, MALIGNANT)


def resting_on(cell: MetricCell, scores: dict[str, Any], name: str) -> MetricCell:
    """Return the cell of a sensitivity with the images and cases of the class, on which alone it rests."""
    images, cases = (scores[key][name] for key in ("per_class_n", "per_class_cases"))
    return replace(cell, detail=f"{cell.detail}; {counted(images, 'image')}, {counted(cases, 'case')}")
