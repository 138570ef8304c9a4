"""Figures of a predictions table that osteolens did not make."""

from __future__ import annotations

from pathlib import Path

from osteolens.config import Config
from osteolens.evaluation.evaluate import evaluate
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.stages import evaluated_part


def evaluate_table(path: Path, out: Path, config: Config) -> Path:
    """Evaluate the test part of any predictions table and return its ``metrics_summary.json``."""
    table = evaluated_part(PredictionsTable.from_csv(path))
    options = config.evaluation
    evaluate(table, out, resamples=options.bootstrap_resamples, confidence=options.confidence, seed=config.seed)
    return out / "metrics_summary.json"
