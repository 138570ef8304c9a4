"""From a predictions table, and what else is known of its images, to the files that hold its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.decision_figures import DECISION_FIGURES
from osteolens.evaluation.decisions import decisions
from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.figures import FIGURES, save_plot
from osteolens.evaluation.honesty import honesty_panel
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.several_views import several_views
from osteolens.evaluation.summary import classification_report, summarise
from osteolens.storage import write_json, write_table

EVALUATION_FIGURES = (*FIGURES, *DECISION_FIGURES)
SUMMARY_FILE, HONESTY_FILE, CASES_FILE = "metrics_summary.json", "honesty.json", "case_answers.json"
EVALUATION_FILES = (
    *(SUMMARY_FILE, "classification_report.json", "confusion_matrix.csv", "decisions.json", CASES_FILE, HONESTY_FILE),
    *(f"{name}.{suffix}" for name in EVALUATION_FIGURES for suffix in ("png", "svg")),
)


def evaluate(
    table: PredictionsTable,
    out: Path,
    resampling: Resampling,
    *,
    validation: PredictionsTable | None = None,
    manifest: pd.DataFrame | None = None,
    metadata: pd.DataFrame | None = None,
    headers: pd.DataFrame | None = None,
    leakage: dict[str, Any] | None = None,
    epoch_chosen: bool | None = None,
    caveats: Sequence[str] = (),
) -> dict[str, Any]:
    """Work out the figures of one part, what its probabilities are worth for decisions, and the honesty panel.

    Parameters
    ----------
    table
        One part only, see :meth:`PredictionsTable.part`.
    out
        Folder for :data:`EVALUATION_FILES`. The records bear the identity of the answers, ``predictions_sha256``,
        and ``decisions.json`` also that of `validation`, ``validation_sha256``. ``metrics_summary.json`` comes last:
        where it is of the same answers as the table, so are the others.
    resampling
        Of all intervals, see :func:`osteolens.evaluation.estimates.metric_intervals`; its seed also draws the rest.
    validation
        Another part of the same table, on which thresholds, temperatures and conformal sets are chosen; see
        :func:`osteolens.evaluation.decisions.decisions`.
    manifest, metadata, headers
        What else is known, see :func:`osteolens.evaluation.facts.gather_facts`; what is missing makes the panel
        shorter, with reasons. The cases of all figures are those of the manifest where there is one.
    leakage
        See :func:`osteolens.evaluation.honesty.honesty_panel`.
    epoch_chosen
        Whether the epoch of training was chosen on `validation` too; None where that is not known.
    caveats
        Sentences on what `table` lacks; they stand in the summary and before everything else in the conclusion.

    Returns
    -------
    dict
        What ``metrics_summary.json`` holds, see :func:`osteolens.evaluation.summary.summarise`.

    Raises
    ------
    EvaluationError
        As :func:`osteolens.evaluation.facts.gather_facts` and :func:`osteolens.evaluation.decisions.decisions`.
    """
    facts = gather_facts(table, manifest, metadata, headers)
    known = facts.table  # its cases are the manifest's, in every figure alike
    fitted_on = None if validation is None else gather_facts(validation, manifest).table
    identity = {IDENTITY: predictions_sha256(table)}
    summary = identity | summarise(known, resampling) | {"caveats": list(caveats)}
    chosen_on = None if validation is None else predictions_sha256(validation)
    decided = decisions(fitted_on, known, resampling, epoch_chosen=epoch_chosen)
    decided = identity | {"validation_sha256": chosen_on} | decided
    panel = identity | honesty_panel(facts, summary, resampling, leakage=leakage)
    for name, draw in FIGURES.items():
        save_plot(draw(known, summary), out / name)
    for name, draw_decisions in DECISION_FIGURES.items():
        save_plot(draw_decisions(decided), out / name)
    write_json(out / "classification_report.json", classification_report(summary))
    write_table(out / "confusion_matrix.csv", _confusion_table(summary))
    write_json(out / "decisions.json", decided)
    write_json(out / CASES_FILE, identity | several_views(known, _temperature(decided), resampling))
    write_json(out / HONESTY_FILE, panel)
    write_json(out / SUMMARY_FILE, summary)
    return summary


def _temperature(decided: dict[str, Any]) -> Scaling | None:
    """Return the temperature that was fitted on the validation part, if any."""
    scaling = decided["calibration"]["temperature"]["scaling"]
    return None if scaling is None else Scaling.from_json(scaling)


def _confusion_table(summary: dict[str, Any]) -> pd.DataFrame:
    counts = pd.DataFrame(summary["confusion_matrix"], columns=summary["class_names"])
    counts.insert(0, "true / predicted", summary["class_names"])
    return counts
