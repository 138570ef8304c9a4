"""The page of an experiment: its runs side by side, what is lost without leaks, published figures, links."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteolens.reporting import run_tables, run_words
from osteolens.reporting.chapters import Block, Link, LinkTable, Section
from osteolens.reporting.comparison_report import further_chapters, gap_chapter
from osteolens.reporting.comparison_words import SHARED_CASES, gap_sentence
from osteolens.reporting.dataset_words import POOLED_NORMALS
from osteolens.reporting.document import Document, blocks
from osteolens.reporting.html import count, render
from osteolens.reporting.model_card import CARD_NAME
from osteolens.reporting.poc_report import REPORT_NAME
from osteolens.reporting.run_results import RunResults, require_compared
from osteolens.storage import write_text


def write_experiment_report(runs: Sequence[RunResults], record: dict[str, Any], out: Path) -> Path:
    """Write the page and return `out`, which lies in the folder of the experiment.

    Parameters
    ----------
    runs
        What :func:`osteolens.reporting.run_results.read_runs` returns.
    record
        Their comparison, see :func:`osteolens.experiments.comparison.write_comparison`.

    Raises
    ------
    DataError
        The comparison is not of the runs' answers.
    """
    require_compared(runs, record)
    trust = [
        *blocks(SHARED_CASES),
        Block("findings", run_words.verdicts(runs)),
        *blocks(run_tables.leakage_table(runs), POOLED_NORMALS if run_words.pooled_normals(runs) else None),
    ]
    document = Document(
        f"Runs of {runs[0].config.experiment}",
        _lead(runs),
        (run_words.which_to_read(runs),),  # no accuracy before the leakage
        (
            Section("trust", "Can these figures be trusted?", tuple(trust)),
            _main_figures(runs, record),
            gap_chapter(record),
            *further_chapters(record),
        ),
    )
    return write_text(out, render("document.html.j2", document=document))


def _lead(runs: Sequence[RunResults]) -> str:
    config, images = runs[0].config, max(len(run.manifest.frame) for run in runs)
    words = (
        f"{config.model.backbone} at {config.data.image_size} pixels, {count(images)} radiographs, seed {config.seed}."
    )
    if len(runs) == 1:
        return words
    return f"{words} The same recipe was trained and tested once per split; splits differ in which images are held out."


def _main_figures(runs: Sequence[RunResults], record: dict[str, Any]) -> Section:
    missed = [f"Split {run.name}: {sentence}" for run in runs if (sentence := run_words.missed(run))]
    return Section(
        "headline",
        "Main figures",
        (
            *blocks(run_tables.headline_table(runs)),
            Block("soft", run_words.intervals_sentence(runs[0])),
            *blocks(missed, [gap_sentence(gap) for gap in record["gaps"]]),
            Block("links", _links(runs)),
        ),
    )


def _links(runs: Sequence[RunResults]) -> LinkTable:
    """Return the ways to the pages on each split, then to the one on all."""
    rows: list[tuple[str, tuple[Link, ...]]] = [
        (
            run.name,
            (Link("report", f"{run.name}/report.html"), Link("model card", f"{run.name}/{Path(CARD_NAME).stem}.html")),
        )
        for run in runs
    ]
    rows.append(("all", (Link("proof-of-concept report", f"{Path(REPORT_NAME).stem}.html"),)))
    return LinkTable("Pages of each split", ("Split", "What was found", "What the model is"), tuple(rows))
