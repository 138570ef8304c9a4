"""The first chapters of a proof-of-concept report: question, data, method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osteolens.errors import DataError
from osteolens.reporting.audit_tables import counts_table
from osteolens.reporting.card_data import split_words
from osteolens.reporting.chapters import Section
from osteolens.reporting.dataset_words import describe_dataset
from osteolens.reporting.document import blocks
from osteolens.reporting.html import PageTable, count
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_tables import leakage_table
from osteolens.reporting.run_words import intervals_sentence, kept_epoch
from osteolens.storage import read_json

_GROUPINGS = ("center", "source")
_AUDIT_KEYS = ("images", "annotated", "classes", "tables", "annotations", "duplicates", "metadata", "findings")


def question(runs: Sequence[RunResults]) -> Section:
    """Return what the series of runs is to answer."""
    names = runs[0].class_names
    return Section(
        "question",
        "Question",
        blocks(
            f"Can a network tell the classes {', '.join(names[:-1])} and {names[-1]} apart on bone radiographs of "
            "patients that it has not been trained on? Does it do so from the lesion, and what of a measured figure "
            "comes from elsewhere?",
            "A proof of concept shows that a way can be gone at all. It does not show that the result is good enough "
            "for any use.",
        ),
    )


def data(runs: Sequence[RunResults], audit: dict[str, Any] | None) -> Section:
    """Return where the images come from, what the audit found, and what each split shares."""
    words = describe_dataset(runs[0].manifest)
    return Section(
        "data",
        "Data",
        (
            *blocks(f"{words.name}. {words.origin}", words.labels, words.terms),
            *(blocks("The data were not audited: osteolens audit does it.") if audit is None else _audited(audit)),
            *blocks(
                "Several radiographs often show one case. What the parts of each split share with its train part:",
                leakage_table(runs),
            ),
        ),
    )


def read_audit(path: Path) -> dict[str, Any]:
    """Read ``data_audit.json``.

    Raises
    ------
    DataError
        It cannot be read or lacks what the report needs.
    """
    record = read_json(path)
    if not isinstance(record, dict) or (missing := [key for key in _AUDIT_KEYS if key not in record]):
        what = f"lacks {', '.join(missing)}" if isinstance(record, dict) else "holds no record"
        raise DataError(f"{path} {what}. Run osteolens audit again.")
    return record


def audit_problems(audit: dict[str, Any] | None) -> list[str]:
    """Return the grave findings of the audit that are not of a split: the runs tell of their own."""
    found = [] if audit is None else audit["findings"]
    return [
        entry["text"] for entry in found if entry["severity"] == "problem" and not entry["text"].startswith("Split")
    ]


def method(runs: Sequence[RunResults]) -> Section:
    """Return network, recipe, splits, and how figures and intervals are made."""
    config = runs[0].config
    points = [
        (
            f"Network: {config.model.backbone} at {config.data.image_size} pixels, seed {config.seed}; the same recipe "
            "on every split. The model card of each run has it in full."
        ),
        *(f"Split {run.name}. {split_words(run)} {kept_epoch(run)}".replace("  ", " ") for run in runs),
        (
            "Epochs, thresholds and calibration were chosen on the validation part; a split without a test part is "
            "reported on its validation part, and nothing is chosen there."
        ),
        "Beside the network, models without pixels were trained on what is written about the same images.",
        intervals_sentence(runs[0]),
    ]
    return Section("method", "Method", blocks(points))


def _audited(audit: dict[str, Any]) -> tuple[Any, ...]:
    duplicates, annotations, metadata = audit["duplicates"], audit["annotations"], audit["metadata"]
    rows = {
        "Images": audit["images"],
        **audit["classes"],
        "Images with an annotated lesion": audit["annotated"],
        "Annotated lesions": annotations["lesions"],
        "Groups of identical files": duplicates["groups_by_file"],
        "Warnings on the metadata": metadata["warnings"],
    }
    classes = list(audit["classes"])
    tables = [
        _without_sum(counts_table(f"Images by {name}", name, audit["tables"][name], classes))
        for name in _GROUPINGS
        if name in audit["tables"]
    ]
    figures = PageTable(("Counted", "Number"), tuple((name, count(number)) for name, number in rows.items()), "Audit")
    return blocks(figures, *tables, "What the audit found:", [entry["text"] for entry in audit["findings"]])


def _without_sum(table: PageTable) -> PageTable:
    """Return a table of counts without its last column, which no file holds."""
    return replace(table, headings=table.headings[:-1], rows=tuple(row[:-1] for row in table.rows))
