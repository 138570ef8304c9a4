"""The chapters of a model card on the images: evaluation data and training data."""

from __future__ import annotations

from osteolens.reporting.card_about import NOT_RECORDED
from osteolens.reporting.chapters import Section
from osteolens.reporting.dataset_words import DatasetWords
from osteolens.reporting.document import blocks
from osteolens.reporting.honesty_chapter import shared_cases
from osteolens.reporting.html import PageTable, count
from osteolens.reporting.recipe_chapter import counts_table
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import kept_epoch, verdicts

_SCHEMES = {
    "stratified": "Images were divided at random within each class, without regard to cases.",
    "case": "Whole cases were divided, with the classes in equal shares.",
    "center": "Whole centers were held out.",
    "published": "The division that the authors of the data set published.",
    "case-kfold": "One fold of a cross-validation by case is held out.",
    "source": "One source, such as a hospital, is held out.",
}
_OFF = {"low_resolution": 1.0}  # every other random change is off at 0


def evaluation_data(run: RunResults, words: DatasetWords) -> Section:
    """Return what the figures are of, and what of it training has seen."""
    return Section(
        "evaluation-data",
        "Evaluation data",
        blocks(
            f"{words.name}. {words.origin}",
            f"The figures are of the {run.part} part of the split {run.name}: {count(run.summary['n'])} images of "
            f"{count(run.summary['cases'])} cases. {split_words(run)}".rstrip(),
            counts_table(run),
            words.labels,
            *(finding.text for finding in verdicts([run])),
        ),
        (shared_cases(run),),
    )


def training_data(run: RunResults, words: DatasetWords) -> Section:
    """Return what the network was trained on and how."""
    return Section(
        "training-data",
        "Training data",
        blocks(
            f"{count(run.leakage['train_images'])} images of the same data set, the train part of the split; the table "
            "above has them by class. "
            f"Hash of the pictures: {run.provenance.get('data', NOT_RECORDED)}. {words.terms}",
            kept_epoch(run),
            PageTable(("Option", "Value"), _recipe(run), "Recipe; config.yaml beside this card has every option"),
        ),
    )


def split_words(run: RunResults) -> str:
    """Return how the images were divided."""
    if run.scheme is None:
        return "The division was read from a file of the data set."
    return _SCHEMES.get(run.scheme, "")


def _recipe(run: RunResults) -> tuple[tuple[str, str], ...]:
    model, training = run.config.model, run.config.training
    changes = {
        name: value for name, value in run.config.augmentation.model_dump().items() if value != _OFF.get(name, 0)
    }
    rows: dict[str, object] = {
        "Optimiser": f"AdamW, learning rate {training.learning_rate:g}, weight decay {training.weight_decay:g}",
        "Schedule": training.scheduler,
        "Images per step": training.batch_size,
        "Loss": f"cross-entropy, class weights {training.class_weighting}, label smoothing "
        f"{training.label_smoothing:g}",
        "Sampling": training.sampling,
        "Frozen share of layers": f"{training.freeze:g}",
        "Dropout": f"{model.dropout:g}",
        "Average of the weights": f"decay {training.ema_decay:g}" if training.ema_decay else "off",
        "Early stopping": f"after {training.early_stopping_patience} epochs without improvement",
        "Arithmetic": training.precision,
        "Outlines of lesions used": "yes" if run.config.reads_annotations else "no",
        "Random changes of pictures": ", ".join(f"{_spoken(name)} {value:g}" for name, value in changes.items())
        or "none",
    }
    return tuple((name, str(value)) for name, value in rows.items())


def _spoken(name: str) -> str:
    return name.replace("_", " ")
