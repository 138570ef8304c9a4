"""The chapters on how a run was made: training and recipe, data, provenance and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osteolens.domain import SPLIT_NAMES, Column
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import EmbeddedFigure, PageTable, count
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import training_sentence

_RECIPE = {
    "data": {"image_size", "resize", "interpolation", "clahe"},
    "model": {"backbone", "attn_layer", "dropout", "pretrained", "weights", "pad_type"},
    "augmentation": None,
    "training": None,
    "evaluation": None,
    "explanation": None,
}  # folders are left out: they belong to the machine, not to the method
_SAME = (
    "Same configuration, data, versions, seed and processor: the same figures. Another processor or version may change "
    "the last digits."
)
_SIMILAR = "The run was not deterministic: repeating it gives similar, not identical, figures."


def training_chapter(run: RunResults) -> Section:
    """Return the training curves and the options that make the method."""
    sentence = training_sentence(run)
    curves = EmbeddedFigure(run.curves, sentence, f"Loss and validation figures by epoch. {sentence}")
    return Section(
        "training",
        "Training and recipe",
        (Block("figure", curves), Block("table", _record_table(_recipe(run), "Recipe"))),
    )


def data_chapter(run: RunResults) -> Section:
    """Return images and cases of each part, versions, and the command that repeats the run."""
    again = (
        "To repeat, from the folder in which the run was started (a finished run is not trained again, hence the new "
        "name):"
    )
    blocks = (
        Block("table", counts_table(run)),
        Block("table", _record_table(run.provenance, "Provenance")),
        Block("text", again),
        Block("code", _command(run)),
        Block("text", _SAME if run.config.deterministic else _SIMILAR),
    )
    return Section("data", "Data, provenance, how to repeat", blocks)


def counts_table(run: RunResults) -> PageTable:
    """Return images per class, and cases, of each part of the manifest."""
    frame = run.manifest.frame
    rows = []
    for name in (*(part for part in SPLIT_NAMES if run.manifest.has(part)), "all"):
        part = frame if name == "all" else frame[frame[Column.SPLIT] == name]
        classes = [count(int((part[Column.LABEL] == label).sum())) for label in run.class_names]
        rows.append((name, *classes, count(len(part)), count(part[Column.CASE].nunique())))
    return PageTable(("Part", *run.class_names, "Images", "Cases"), tuple(rows), "Images and cases")


def _record_table(record: dict[str, Any], caption: str) -> PageTable:
    return PageTable(("Entry", "Value"), tuple(_leaves(record)), caption)


def _leaves(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{key}", "none" if value is None else str(value)


def _command(run: RunResults) -> str:
    config = run.config
    results = config.paths.results_dir
    saved = (Path(results.name) if results.is_absolute() else results) / config.experiment / run.name / "config.yaml"
    return f"osteolens run --config {saved.as_posix()} --override experiment={config.experiment}-repeated"


def _recipe(run: RunResults) -> dict[str, Any]:
    values = run.config.to_dict()
    weights = run.config.model.weights
    values["model"]["weights"] = weights.name if weights is not None else None
    return {
        section: {key: value for key, value in values[section].items() if keys is None or key in keys}
        for section, keys in _RECIPE.items()
    }
