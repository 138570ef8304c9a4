"""From a predictions table, and what else is known of its images, to the files that hold its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.errors import EvaluationError
from osteolens.evaluation.decision_figures import DECISION_FIGURES
from osteolens.evaluation.decisions import decisions
from osteolens.evaluation.estimates import IntervalMethod
from osteolens.evaluation.figures import FIGURES, save_plot
from osteolens.evaluation.honesty import honesty_panel
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.summary import classification_report, summarise
from osteolens.storage import write_json, write_table


def evaluate(
    table: PredictionsTable,
    out: Path,
    *,
    validation: PredictionsTable | None = None,
    manifest: pd.DataFrame | None = None,
    metadata: pd.DataFrame | None = None,
    headers: pd.DataFrame | None = None,
    leakage: dict[str, Any] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 42,
    method: IntervalMethod = "bca",
) -> dict[str, Any]:
    """Work out the figures of one part, what its probabilities are worth for decisions, and the honesty panel.

    Parameters
    ----------
    table
        One part only, see :meth:`PredictionsTable.part`.
    out
        Folder for ``metrics_summary.json``, ``classification_report.json``, ``confusion_matrix.csv``,
        ``decisions.json``, ``honesty.json`` and each figure as PNG and SVG.
    validation
        Another part of the same table, on which thresholds, temperatures and conformal sets are chosen; see
        :func:`osteolens.evaluation.decisions.decisions`.
    manifest, metadata, headers, leakage
        What else is known, see :func:`osteolens.evaluation.honesty.honesty_panel`; what is missing makes the panel
        shorter, with reasons.
    resamples, confidence, seed, method
        Of the bootstrap by case, see :func:`osteolens.evaluation.estimates.metric_intervals`.

    Returns
    -------
    dict
        What ``metrics_summary.json`` holds, see :func:`osteolens.evaluation.summary.summarise`.

    Raises
    ------
    EvaluationError
        The table holds more than one split, or as the two functions named above.
    """
    if len(table.splits) > 1:
        raise EvaluationError(
            f"the table holds the splits {', '.join(table.splits)}; figures of a mixture mean nothing. "
            "Choose one with part()."
        )
    draws: dict[str, Any] = {"resamples": resamples, "confidence": confidence, "seed": seed}
    summary = summarise(table, **draws, method=method)
    decided = decisions(validation, table, **draws)
    panel = honesty_panel(
        table, manifest=manifest, metadata=metadata, headers=headers, leakage=leakage, **draws, method=method
    )
    write_json(out / "metrics_summary.json", summary)
    write_json(out / "classification_report.json", classification_report(summary))
    write_json(out / "decisions.json", decided)
    write_json(out / "honesty.json", panel)
    names = list(table.class_names)
    counts = pd.DataFrame(summary["confusion_matrix"], columns=names)
    counts.insert(0, "true / predicted", names)
    write_table(out / "confusion_matrix.csv", counts)
    for name, draw in FIGURES.items():
        save_plot(draw(table, summary), out / name)
    for name, draw_decisions in DECISION_FIGURES.items():
        save_plot(draw_decisions(decided), out / name)
    return summary
