"""From one part of a predictions table to the files that hold its figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.errors import EvaluationError
from osteolens.evaluation.bootstrap import bootstrap_weights, percentile_interval
from osteolens.evaluation.figures import FIGURES, save_figure
from osteolens.evaluation.metrics import (
    CLASS_METRICS,
    MACRO_METRICS,
    OVERALL_METRICS,
    Floats,
    compute_metrics,
    confusion_matrix,
    point_metrics,
    undefined_reasons,
)
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.randomness import named_generator
from osteolens.storage import write_json, write_table

_REPORT_NAMES = {"precision": "precision", "sensitivity": "recall", "f1": "f1-score"}


def evaluate(
    table: PredictionsTable, out: Path, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 42
) -> dict[str, Any]:
    """Work out every metric of one part, with intervals, and write tables and figures.

    Parameters
    ----------
    table
        One part only, see :meth:`PredictionsTable.part`.
    out
        Folder for ``metrics_summary.json``, ``classification_report.json``, ``confusion_matrix.csv``,
        ``roc_curves.png``, ``pr_curves.png`` and ``confusion_matrix.png``.
    resamples, confidence, seed
        Of the bootstrap by case, see :mod:`osteolens.evaluation.bootstrap`.

    Returns
    -------
    dict
        What ``metrics_summary.json`` holds. A metric is ``{"value", "low", "high", "reason"}``; a value that is not
        defined is None and has a reason, and so has a value without a trustworthy interval.

    Raises
    ------
    EvaluationError
        The table holds more than one split.
    """
    if len(table.splits) > 1:
        raise EvaluationError(
            f"the table holds the splits {', '.join(table.splits)}; figures of a mixture mean nothing. "
            "Choose one with part()."
        )
    summary = summarise(table, resamples=resamples, confidence=confidence, seed=seed)
    write_json(out / "metrics_summary.json", summary)
    write_json(out / "classification_report.json", classification_report(summary))
    names = list(table.class_names)
    counts = pd.DataFrame(summary["confusion_matrix"], columns=names)
    counts.insert(0, "true / predicted", names)
    write_table(out / "confusion_matrix.csv", counts)
    for file, draw in FIGURES.items():
        save_figure(draw(table, summary), out / file)
    return summary


def summarise(table: PredictionsTable, *, resamples: int, confidence: float, seed: int) -> dict[str, Any]:
    """Return the content of ``metrics_summary.json`` without writing anything."""
    labels, probabilities = table.labels, table.probabilities
    predicted = probabilities.argmax(axis=1)
    weights = bootstrap_weights(table.cases, labels, resamples, named_generator(seed, "bootstrap"))
    entries = _Entries(
        point_metrics(labels, probabilities),
        compute_metrics(labels, probabilities, weights),
        confidence,
        undefined_reasons(labels, predicted, table.class_names),
        _single_cases(table),
        np.unique(labels).size,
    )
    counts = confusion_matrix(labels, predicted, len(table.class_names))
    truth = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, truth, out=np.full(counts.shape, np.nan), where=truth > 0)
    classes = list(enumerate(table.class_names))
    return {
        "n": len(table),
        "cases": int(np.unique(table.cases).size),
        "split": table.splits[0],
        "per_class_n": {name: int(truth[k, 0]) for k, name in classes},
        "confidence": confidence,
        "resamples": resamples,
        "resampled_by": "case",
        "class_names": list(table.class_names),
        "overall": {metric: entries.entry(metric) for metric in OVERALL_METRICS},
        "per_class": {
            name: {metric: entries.entry(metric, name, k) for metric in CLASS_METRICS} for k, name in classes
        },
        "confusion_matrix": counts.tolist(),
        "confusion_matrix_row_normalised": [[_defined(share) for share in row] for row in shares],
    }


def classification_report(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the report in the shape of scikit-learn's ``classification_report(output_dict=True)``.

    The weighted average leaves out classes without images, whose weight is 0. None where a figure is undefined.
    """
    support = summary["per_class_n"]
    figures = {
        name: {key: summary["per_class"][name][metric]["value"] for metric, key in _REPORT_NAMES.items()}
        for name in summary["class_names"]
    }
    total = summary["n"]
    present = [name for name in figures if support[name] > 0]
    report: dict[str, Any] = {name: {**figures[name], "support": support[name]} for name in figures}
    report["accuracy"] = summary["overall"]["accuracy"]["value"]
    for average, share in (
        ("macro avg", dict.fromkeys(figures, 1 / len(figures))),
        ("weighted avg", {name: support[name] / total for name in present}),
    ):
        report[average] = {key: _mean(figures, key, share) for key in _REPORT_NAMES.values()} | {"support": total}
    return report


def _mean(figures: dict[str, dict[str, float | None]], key: str, share: dict[str, float]) -> float | None:
    """Return the weighted mean over the classes in `share`, None when one of them is undefined."""
    total = 0.0
    for name, weight in share.items():
        value = figures[name][key]
        if value is None:
            return None
        total += weight * value
    return total


@dataclass(frozen=True, slots=True)
class _Entries:
    """Point values and resampled values of every metric, and the reasons for what cannot be told.

    Attributes
    ----------
    undefined
        See :func:`undefined_reasons`.
    single_cases
        Class name to a sentence, for each class whose images are all of one case: drawing that case again and again
        would give an interval of no width.
    classes
        Number of classes with images.
    """

    values: dict[str, Floats]
    samples: dict[str, Floats]
    confidence: float
    undefined: dict[tuple[str, str | None], str]
    single_cases: dict[str, str]
    classes: int

    def entry(self, metric: str, name: str | None = None, k: int | None = None) -> dict[str, Any]:
        """Return one metric as JSON holds it: overall, or of the class `name` at index `k`."""
        value = _defined(self.values[metric] if k is None else self.values[metric][k])
        samples = self.samples[metric] if k is None else self.samples[metric][:, k]
        low, high = (_defined(limit) for limit in percentile_interval(samples, self.confidence))
        reason = self.undefined.get((metric, name)) or self._no_spread(metric, name)
        if reason:
            low = high = None
        elif missing := np.count_nonzero(np.isnan(samples)):
            left_out = "too many for an interval" if low is None else "which are left out"
            reason = f"undefined in {missing} of {samples.size} resamples, {left_out}"
        return {"value": value, "low": low, "high": high, "reason": reason}

    def _no_spread(self, metric: str, name: str | None) -> str | None:
        if name is not None:
            return self.single_cases.get(name)
        if metric in MACRO_METRICS or len(self.single_cases) == self.classes:
            return "; ".join(self.single_cases.values()) or None
        return None


def _single_cases(table: PredictionsTable) -> dict[str, str]:
    cases = {name: np.unique(table.cases[table.labels == k]).size for k, name in enumerate(table.class_names)}
    return {name: f"all {name} images are of one case: no interval" for name, count in cases.items() if count == 1}


def _defined(value: float | NDArray[np.float64]) -> float | None:
    """Return a plain number, None for NaN."""
    return None if np.isnan(value) else float(value)
