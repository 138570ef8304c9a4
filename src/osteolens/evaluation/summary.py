"""What ``metrics_summary.json`` and ``classification_report.json`` hold of one part of a predictions table."""

from __future__ import annotations

from typing import Any

import numpy as np

from osteolens.evaluation.estimates import defined, metric_intervals
from osteolens.evaluation.metrics import confusion_matrix
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

_REPORT_NAMES = {"precision": "precision", "sensitivity": "recall", "f1": "f1-score"}


def summarise(table: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Work out every metric of one part with its interval, and the confusion matrix.

    Parameters
    ----------
    table
        One part only, see :meth:`PredictionsTable.part`.
    resampling
        See :func:`osteolens.evaluation.estimates.metric_intervals`.

    Returns
    -------
    dict
        ``n``, ``cases``, ``split``, ``per_class_n``, ``per_class_cases``; ``overall`` and ``per_class`` as
        ``metric_intervals`` gives them; ``confusion_matrix`` (rows are the truth) and the same by row as shares of 0 to
        1, None without an image.
    """
    labels, names = table.labels, list(table.class_names)
    counts = confusion_matrix(labels, table.probabilities.argmax(axis=1), len(names))
    truth = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, truth, out=np.full(counts.shape, np.nan), where=truth > 0)
    return {
        "n": len(table),
        "cases": int(np.unique(table.cases).size),
        "split": table.splits[0],
        "per_class_n": {name: int(truth[k, 0]) for k, name in enumerate(names)},
        "per_class_cases": {name: int(np.unique(table.cases[labels == k]).size) for k, name in enumerate(names)},
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "intervals": resampling.method,
        "class_names": names,
        **metric_intervals(table, resampling),
        "confusion_matrix": counts.tolist(),
        "confusion_matrix_row_normalised": [[defined(share) for share in row] for row in shares],
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
