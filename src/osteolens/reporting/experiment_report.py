"""One self-contained page that sets the runs of an experiment side by side: leakage first, then the main figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osteolens.reporting import run_tables, run_words
from osteolens.reporting.html import render
from osteolens.reporting.run_results import read_runs
from osteolens.storage import RunFolder, write_text


def write_experiment_report(runs: Sequence[RunFolder], out: Path) -> Path:
    """Write the page and return `out`.

    Parameters
    ----------
    runs
        Runs of one experiment, one per split scheme. On the page, those whose evaluated part shares no case with train
        stand first.

    Raises
    ------
    DataError
        See :func:`osteolens.reporting.run_results.read_runs`.
    """
    results = read_runs(runs)
    config = results[0].config
    page = render(
        "experiment.html.j2",
        experiment=config.experiment,
        backbone=config.model.backbone,
        size=config.data.image_size,
        seed=config.seed,
        images=max(len(run.manifest.frame) for run in results),
        verdicts=run_words.verdicts(results),
        which_to_read=run_words.which_to_read(results),
        pooled_normals=run_words.pooled_normals(results),
        leakage=run_tables.leakage_table(results),
        headline=run_tables.headline_table(results),
        intervals=run_words.intervals_sentence(results[0]),
        missed=[f"Split {run.name}: {sentence}" for run in results if (sentence := run_words.missed(run))],
        gaps=run_words.gaps(results),
    )
    return write_text(out, page)
