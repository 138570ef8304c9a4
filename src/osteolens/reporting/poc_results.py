"""The chapters of a proof-of-concept report on what was found: results by split, what they may show, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from osteolens.domain import MALIGNANT
from osteolens.reporting import run_tables, run_words
from osteolens.reporting.chapters import Section
from osteolens.reporting.decision_words import operating_sentence
from osteolens.reporting.document import blocks
from osteolens.reporting.honesty_tables import blind_table
from osteolens.reporting.map_chapter import NO_MAPS, map_table
from osteolens.reporting.metric_table import MetricTable
from osteolens.reporting.run_results import RunResults


def results_chapter(runs: Sequence[RunResults]) -> Section:
    """Return the main figures side by side, then each run, those on new cases first."""
    return Section(
        "results",
        "Results",
        blocks(
            run_words.which_to_read(runs),
            run_tables.headline_table(runs),
            "The runs were tested on different images: a difference between two rows holds chance and the difficulty "
            "of the images besides what the splits share."
            if len(runs) > 1
            else None,
        ),
        tuple(_run(run) for run in runs),
    )


def meaning(runs: Sequence[RunResults]) -> Section:
    """Return, for each run, what may and may not be concluded."""
    sections = tuple(
        Section(
            f"{run.anchor}-meaning",
            f"Split {run_tables.run_label(run)}",
            blocks(list(run.honesty["conclusion_sentences"])),
        )
        for run in runs
    )
    return Section("meaning", "What the figures may and may not show", (), sections)


def limits(runs: Sequence[RunResults]) -> Section:
    """Return what no figure here can tell."""
    points = [
        f"One data set, one recipe, one seed ({runs[0].config.seed}): the chance of training is in no interval.",
        "Labels are those of the data set. What they rest on, histology or a reader, is not in the files.",
        (
            "Where test and train images come from the same sources, marks of the source (markers, borders, blur, the "
            "part of the body) can stand in for the lesion."
        ),
        "The mix of classes is that of the data set, not of a clinic; precision and predictive values change with it.",
        "No reader was measured on the same images, so nothing here compares the network with people.",
    ]
    return Section("limits", "Limits", blocks(points))


def _run(run: RunResults) -> Section:
    asked = run.decisions["operating_points"]["questions"] or {}
    points = [
        operating_sentence(question, chosen) for question, chosen in asked.items() if question.startswith(MALIGNANT)
    ]
    maps = None if run.maps is None or not run.maps.report["n"] else map_table(run, run.maps.report)
    blind = blind_table(run) if any(model["possible"] for model in run.honesty["blind"].values()) else None
    return Section(
        f"{run.anchor}-results",
        f"Split {run_tables.run_label(run)}",
        blocks(
            run_words.missed(run),
            run_tables.class_table(run),
            *points,
            None if blind is None else "Beside models that see no pixel:",
            blind and _own_key(run, blind),
            maps,
            NO_MAPS if run.maps is None else None,
        ),
    )


def _own_key(run: RunResults, table: MetricTable) -> MetricTable:
    """Return a table whose footnotes have an address of their own where several runs share a page."""
    return replace(table, key=f"{run.anchor}-{table.key}")
