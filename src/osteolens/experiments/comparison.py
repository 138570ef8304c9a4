"""The comparison of runs as a stage: its record and its figure, made again only where something changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from osteolens.evaluation.compared_run import ComparedRun
from osteolens.evaluation.comparison import compare_runs
from osteolens.evaluation.comparison_figure import comparison_figure
from osteolens.evaluation.figures import save_figure
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.reuse import StageRecord
from osteolens.storage import read_json, sha256_bytes, write_json

RECORD_NAME, FIGURE_NAME = "comparison.json", "comparison.png"


def write_comparison(runs: Sequence[ComparedRun], out: Path, resampling: Resampling) -> dict[str, Any]:
    """Compare runs, write ``comparison.json`` and ``comparison.png`` into `out` and return the record.

    What is there from the same runs with the same resampling is read and not made again.

    Returns
    -------
    dict
        As :func:`osteolens.evaluation.comparison.compare_runs`, each run with the identity of its answers,
        ``predictions_sha256``.

    Raises
    ------
    EvaluationError
        The runs cannot be compared, see the same function.
    """
    stage, outputs = StageRecord(out), [out / RECORD_NAME, out / FIGURE_NAME]
    made_from = [[_all_of(run) for run in runs], asdict(resampling)]
    if stage.is_current("compare", made_from, outputs):
        record: dict[str, Any] = read_json(out / RECORD_NAME)
        return record
    record = compare_runs(runs, resampling)
    identities = {run.label: predictions_sha256(run.table) for run in runs}
    record["runs"] = [{**run, IDENTITY: identities[run["label"]]} for run in record["runs"]]
    write_json(out / RECORD_NAME, record)
    save_figure(comparison_figure(record), out / FIGURE_NAME)
    stage.finish("compare", made_from, outputs)
    return record


def _all_of(run: ComparedRun) -> list[Any]:
    """Return all that a comparison may read of a run; of the table, cases and sources too."""
    overlap = None if run.overlap is None else asdict(run.overlap)
    return [run.label, run.experiment, sha256_bytes(run.table.frame.to_csv(index=False).encode()), overlap]
