"""One self-contained page on anybody's predictions: what was given and is missing first, then the figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import osteolens
from osteolens.data.audit.findings import Finding
from osteolens.domain import SPLIT_NAMES, Column
from osteolens.reporting.case_chapter import case_chapter
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.decision_chapter import decision_chapter
from osteolens.reporting.foreign_results import ForeignResults
from osteolens.reporting.honesty_chapter import honesty_chapter
from osteolens.reporting.html import PageTable, count, render
from osteolens.reporting.performance_chapter import performance_chapter
from osteolens.reporting.subgroup_chapter import subgroup_chapter
from osteolens.storage import write_text
from osteolens.wording import counted

_GIVEN = {"predictions": "Predictions", "labels": "Labels", "split_table": "Split table", "data": "Data set"}
_NOT_GIVEN = "not given"
_SHOWN_OF_HASH = 12  # characters; the whole hash stands in provenance.json
_LIMITS = """These are figures of the answers in one file for one set of images; the model itself was not seen. You may
conclude how often it answered as the labels say on these images, within the intervals; where its train part is known
and shares no cases with them, that holds for other cases from the same sources too.

You may not conclude that it works at another hospital, on another device, or on the mixture of findings that a clinic
sees: precision in particular changes with how common each class is. Nothing here shows where in a picture the model
looked, or that the file holds all answers that it gave.

The labels were taken as they are and not read again. The probabilities are not risks of a patient."""


def write_foreign_report(results: ForeignResults) -> Path:
    """Write the page as ``report.html`` into the folder of the figures and return where it lies."""
    page = render(
        "run.html.j2",
        title=f"Evaluation report: {results.provenance['predictions']['file']}",
        lead=_lead(results),
        chapters=[
            _given_chapter(results),
            honesty_chapter(results),
            performance_chapter(results),
            decision_chapter(results),
            case_chapter(results),
            subgroup_chapter(results),
            _limits(),
        ],
    )
    return write_text(results.folder.report, page)


def _lead(results: ForeignResults) -> str:
    summary, names = results.summary, results.class_names
    images, cases = counted(summary["n"], "image"), counted(summary["cases"], "case")
    return (
        f"Answers of a model that osteolens did not run, which names {', '.join(names[:-1])} or {names[-1]}, for "
        f"{images} of the {results.part} part ({cases})."
    )


def _given_chapter(results: ForeignResults) -> Section:
    """Return what the figures were made from, and first what that lacks."""
    caveats = results.caveats
    lacking = Block("findings", [Finding("caution", caveat) for caveat in caveats])
    nothing = Block("text", "Every predicted image was evaluated, and its label and case are known.")
    blocks = (
        lacking if caveats else nothing,
        Block("table", _files_table(results)),
        Block("list", list(_without(results))),
        Block("table", _counts_table(results)),
        Block("table", _columns_table(results)),
        Block("table", _origins_table(results)),
    )
    chosen = tuple(block for block in blocks if block.content)
    return Section("given", "What was given, and what is missing", chosen)


def _files_table(results: ForeignResults) -> PageTable:
    rows = tuple((name, *_named(results.provenance[key])) for key, name in _GIVEN.items())
    return PageTable(("What", "Name", "SHA256 begins"), rows, "What the figures were made from")


def _without(results: ForeignResults) -> Iterator[str]:
    """Yield where what was not given was taken from, or what cannot be told without it."""
    given = results.provenance
    if given["labels"] is None:
        yield "Without --labels, the labels are those of the data set or of the predictions themselves."
    if given["split_table"] is None:
        yield (
            "Without --split-table, the train images are those that the labels' column split names."
            if results.knows_train
            else "Without --split-table it cannot be told what the model has seen: cases, sources, metadata."
        )
    if given["data"] is None:
        yield "Without --data, copies under other names, file headers and sizes of lesions are not known."


def _named(file: dict[str, Any] | None) -> tuple[str, str]:
    if file is None:
        return _NOT_GIVEN, ""
    return str(file.get("file") or file["folder"]), str(file["sha256"])[:_SHOWN_OF_HASH]


def _counts_table(results: ForeignResults) -> PageTable:
    """Return images per class, and cases, of each part that is predicted."""
    frame = results.table.frame
    rows = []
    for name in (part for part in SPLIT_NAMES if part in results.table.splits):
        part = frame[frame[Column.SPLIT] == name]
        classes = [count(int((part[Column.LABEL] == label).sum())) for label in results.class_names]
        label = f"{name} (reported)" if name == results.part else name
        rows.append((label, *classes, count(len(part)), count(part[Column.CASE].nunique())))
    return PageTable(("Part", *results.class_names, "Images", "Cases"), tuple(rows), "Images with an answer")


def _columns_table(results: ForeignResults) -> PageTable:
    names = {Column.IMAGE_ID: "Name of the image"}
    rows = tuple(
        (names.get(name, f"Probability of {name}"), heading) for name, heading in results.provenance["columns"].items()
    )
    return PageTable(("Read as", "Column of the file"), rows, "Columns")


def _origins_table(results: ForeignResults) -> PageTable:
    """Return where the case and the source of the images with an answer come from."""
    names = {Column.CASE: "Case (patient)", Column.SOURCE: "Source"}
    rows = tuple(
        (names[fact], place, count(images))
        for fact, places in results.provenance["taken_from"].items()
        for place, images in places.items()
    )
    return PageTable(("What", "Taken from", "Images"), rows, "Where cases and sources come from")


def _limits() -> Section:
    paragraphs = (*_LIMITS.split("\n\n"), osteolens.NOT_FOR_CLINICAL_USE)
    return Section("limits", "Limits", tuple(Block("text", paragraph) for paragraph in paragraphs))
