"""The model card of a run, in the sections of Mitchell et al. 2019, filled from the files of the run alone.

Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, doi 10.1145/3287560.3287596.
"""

from __future__ import annotations

from pathlib import Path

from osteolens.domain import MALIGNANT, Column
from osteolens.reporting.card_about import NOT_RECORDED, factors, intended_use, metrics, model_details
from osteolens.reporting.card_analyses import caveats, ethical_considerations, quantitative_analyses
from osteolens.reporting.card_data import evaluation_data, training_data
from osteolens.reporting.dataset_words import describe_dataset
from osteolens.reporting.document import Document, write_document
from osteolens.reporting.html import count
from osteolens.reporting.metric_table import metric_text
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import verdicts

_LEAD = (
    "Sections after Mitchell et al., Model Cards for Model Reporting, FAT* 2019, doi 10.1145/3287560.3287596. Written "
    "from the files of the run; no figure was typed by hand. In brackets stand intervals."
)

CARD_NAME = "model_card.md"


def write_model_card(run: RunResults) -> Path:
    """Write ``model_card.md`` and ``model_card.html`` into a run's folder and return the former."""
    return write_document(_model_card(run), run.folder.root / CARD_NAME)


def _model_card(run: RunResults) -> Document:
    words = describe_dataset(run.manifest)
    return Document(
        f"Model card: {run.config.experiment}, split {run.name}",
        _LEAD,
        tuple(_points(run)),
        (
            model_details(run, _checkpoint_hash(run)),
            intended_use(run),
            factors(run),
            metrics(run),
            evaluation_data(run, words),
            training_data(run, words),
            quantitative_analyses(run),
            ethical_considerations(run, words),
            caveats(run),
        ),
    )


def _points(run: RunResults) -> list[str]:
    """Return what the model is, its main figures, what was shared with train, what is reached without pixels."""
    overall, per_class = run.summary["overall"], run.summary["per_class"]
    figures = f"accuracy {metric_text(overall['accuracy'])}, macro AUC {metric_text(overall['macro_auc'])}"
    if MALIGNANT in per_class:
        figures += f", sensitivity {MALIGNANT} {metric_text(per_class[MALIGNANT]['sensitivity'])}"
    return [
        (
            f"A {run.config.model.backbone} at {run.config.data.image_size} pixels that answers "
            f"{', '.join(run.class_names[:-1])} or {run.class_names[-1]} for a bone radiograph. For research only."
        ),
        f"On {count(run.summary['n'])} {run.part} images of {count(run.summary['cases'])} cases: {figures}.",
        *(finding.text for finding in verdicts([run])),
    ]


def _checkpoint_hash(run: RunResults) -> str:
    """Return the SHA-256 of the weights that gave the predictions."""
    hashes = sorted(set(run.compared.table.frame[Column.CHECKPOINT]) - {""})
    return ", ".join(hashes) or NOT_RECORDED
