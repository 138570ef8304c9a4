"""The chapter of the main figures: all classes, each class, what malignant images were answered as, and the curves."""

from __future__ import annotations

from osteolens.reporting import run_tables, run_words
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import EmbeddedFigure
from osteolens.reporting.metric_table import metric_text


def performance_chapter(run: EvaluationResults) -> Section:
    """Return tables, sentences and the three figures."""
    blocks = (
        Block("text", run_words.missed(run)),
        Block("metrics", run_tables.class_table(run)),
        Block("side", (Block("metrics", run_tables.overall_table(run)), Block("figure", _confusion(run)))),
        Block("soft", run_words.intervals_sentence(run)),
        Block("panels", [_roc(run), _precision_recall(run)]),
    )
    return Section("figures", "Main figures", tuple(block for block in blocks if block.content))


def _confusion(run: EvaluationResults) -> EmbeddedFigure:
    names = run.class_names
    rows = [
        f"{name} answered as " + ", ".join(f"{other} {number}" for other, number in zip(names, counts, strict=True))
        for name, counts in zip(names, run.summary["confusion_matrix"], strict=True)
    ]
    return EmbeddedFigure(
        run.figures["confusion_matrix"],
        "Confusion matrix. Rows are the truth, columns the answer.",
        f"Confusion matrix: {'; '.join(rows)}.",
    )


def _roc(run: EvaluationResults) -> EmbeddedFigure:
    return EmbeddedFigure(
        run.figures["roc_curves"],
        "ROC curves, each class against the rest. The diagonal is chance.",
        f"ROC curves; area under the curve: {_of_classes(run, 'auc')}.",
    )


def _precision_recall(run: EvaluationResults) -> EmbeddedFigure:
    return EmbeddedFigure(
        run.figures["pr_curves"],
        "Precision-recall curves. The faint line is the share of the class, which chance reaches.",
        f"Precision-recall curves; average precision: {_of_classes(run, 'average_precision')}.",
    )


def _of_classes(run: EvaluationResults, metric: str) -> str:
    return ", ".join(f"{name} {metric_text(run.summary['per_class'][name][metric])}" for name in run.class_names)
