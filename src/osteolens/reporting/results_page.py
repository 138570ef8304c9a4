"""The figures of an experiment as a short Markdown page, so that no figure in the documentation is typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osteolens.reporting import run_tables, run_words
from osteolens.reporting.comparison_words import gap_sentence
from osteolens.reporting.dataset_words import POOLED_NORMALS
from osteolens.reporting.html import render
from osteolens.reporting.map_chapter import map_table
from osteolens.reporting.metric_table import MetricTable
from osteolens.reporting.run_results import RunResults, require_compared
from osteolens.storage import write_text


def write_results_page(runs: Sequence[RunResults], record: dict[str, Any], out: Path, *, command: str) -> Path:
    """Write leakage, headline figures, figures per class and map scores of the runs and return `out`.

    Parameters
    ----------
    runs
        What :func:`osteolens.reporting.run_results.read_runs` returns.
    record
        Their comparison, see :func:`osteolens.experiments.comparison.write_comparison`.
    command
        What made the runs; it is printed above the figures.

    Raises
    ------
    DataError
        The comparison is not of the runs' answers.
    """
    require_compared(runs, record)
    return write_text(out, render("results.md.j2", **_context(runs, record, command)))


def _context(runs: Sequence[RunResults], record: dict[str, Any], command: str) -> dict[str, Any]:
    tables = [run_tables.leakage_table(runs), run_tables.headline_table(runs)]
    for run in runs:
        of_run = [run_tables.class_table(run)]
        if run.maps is not None and run.maps.report["n"]:
            of_run.append(map_table(run, run.maps.report))
        tables += [replace(table, caption=f"{run.name}: {table.caption}") for table in of_run]
    return {
        "experiment": runs[0].config.experiment,
        "command": command,
        "training": [f"Split {run.name}: {run_words.training_sentence(run)}" for run in runs],
        "minutes": [round(sum(row["seconds"] for row in run.history) / 60) for run in runs],
        "names": [run.name for run in runs],
        "provenance": runs[0].provenance,
        "verdicts": run_words.verdicts(runs),
        "which_to_read": run_words.which_to_read(runs),
        "pooled_normals": POOLED_NORMALS if run_words.pooled_normals(runs) else "",
        "missed": [f"Split {run.name}: {sentence}" for run in runs if (sentence := run_words.missed(run))],
        "gaps": [gap_sentence(gap) for gap in record["gaps"]],
        "tables": [_plain(table) for table in tables],
    }


def _plain(table: MetricTable) -> dict[str, Any]:
    """Return a table with each figure and its bracket in one cell, and its footnotes with their marks."""
    rows = []
    for name, cells in table.rows:
        texts = []
        for cell in cells:
            mark = f" [{table.mark(cell.note)}]" if cell.note else ""
            texts.append(f"{cell.text}{f' ({cell.detail})' if cell.detail else ''}{mark}")
        rows.append((name, *texts))
    notes = [(table.mark(note), note) for note in table.notes]
    return {"caption": table.caption, "headings": table.headings, "rows": rows, "notes": notes}
