"""Figures of a predictions table that osteolens did not make."""

from __future__ import annotations

from pathlib import Path

from osteolens.config import Config
from osteolens.evaluation.evaluate import evaluate
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.stages import evaluation_parts


def evaluate_table(path: Path, out: Path, config: Config) -> Path:
    """Evaluate the test part of any predictions table and return its ``metrics_summary.json``."""
    table, validation = evaluation_parts(PredictionsTable.from_csv(path))
    evaluate(table, out, validation=validation, **config.evaluation.draws(config.seed))
    return out / "metrics_summary.json"
