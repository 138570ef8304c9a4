"""The chapters of an audit report on origin, cases and the leakage of splits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from osteolens.reporting.audit_tables import Section, table
from osteolens.reporting.dataset_words import POOLED_NORMALS
from osteolens.reporting.html import count, fixed, percent
from osteolens.wording import counted

_WORDS = {
    "n": "images",
    "mean": "mean grey level",
    "std": "spread of grey levels",
    "sharpness": "sharpness",
    "black_border": "black border",
    "white_border": "white border",
    "width": "width",
    "height": "height",
    "file_size": "file size in bytes",
    "annotated_width": "annotated width",
    "annotated_height": "annotated height",
    "framed": "framed",
    "coloured": "coloured",
}
_SHARES = ("black_border", "white_border", "framed", "coloured")
_PIXELS_MATTER = (
    "Numbers that differ between origins tell a network where a picture came from; where classes differ by origin too, "
    "it need not look at the bone. Sharpness is the variance of the Laplacian with the longest side at 256 pixels."
)

_RECOGNITION = (
    "Images of an evaluation part whose case also has images in the training part: recognising the patient is enough "
    "to answer them, so a score on such a split is too high."
)
_WITHOUT_CASES = "Without a case table only identical files can be followed from one part to another."


def origin_section(summary: dict[str, Any]) -> Section:
    """Return what numbers of the pictures tell about their origin and class."""
    statistics, told = summary["statistics"], summary["class_from_statistics"]
    tables = []
    if statistics:
        keys = list(next(iter(statistics.values())))
        rows = [(_WORDS[key], *(_written(key, entry[key]) for entry in statistics.values())) for key in keys]
        caption = f"Medians by {summary['origin'] or 'origin'}; framed and coloured are shares of the images"
        tables.append(table(caption, ("number", *statistics), rows))
    if told:
        classes = [name for name in summary["classes"] if any(name in entries for entries in told.values())]
        caption = "How well one number tells a class from the others: AUC, 0.5 being chance, below it lower values"
        rows = [(_WORDS[key], *_auc_cells(entries, classes)) for key, entries in told.items()]
        tables.append(table(caption, ("number", "images", *classes), rows))
    text = (_PIXELS_MATTER,) if statistics else ("No picture could be read.",)
    return Section("origin", "Origin of the pictures", text, ("statistics_by_origin",), tuple(tables))


def _auc_cells(entries: dict[str, Any], classes: list[str]) -> tuple[str, ...]:
    images = max(entry["n"] for entry in entries.values())
    return count(images), *(fixed(entries.get(name, {}).get("auc"), 2) for name in classes)


def grouping_section(summary: dict[str, Any]) -> Section:
    """Return how the images are grouped in cases."""
    found, title = summary["cases"], "Cases"
    if found is None:
        return Section("cases", title, ("No case table: it is not known which images show the same patient.",))
    numbers = counted(summary["images"], "image"), counted(found["cases"], "case"), counted(found["largest"], "image")
    text = ["{} of {}; the largest holds {}.".format(*numbers)]
    if "published" in (summary["leakage"] or {}):
        text.append(POOLED_NORMALS)
    if found["of_several_classes"]:
        text.append(f"{counted(found['of_several_classes'], 'case')} with images of more than one class.")
    sizes = [(name, count(entry["cases"]), count(entry["images"])) for name, entry in found["by_size"].items()]
    siblings = [
        (label, count(entry["images"]), count(entry["with_sibling"]), percent(entry["with_sibling"] / entry["images"]))
        for label, entry in found["images_with_siblings"].items()
    ]
    tables = (
        table("Cases by their number of images", ("images of the case", "cases", "images"), sizes),
        table("Images with another image of their case", ("class", "images", "with another", "share"), siblings),
    )
    return Section("cases", title, tuple(text), (), tables)


def leakage_section(summary: dict[str, Any]) -> Section:
    """Return how much each split lets a network recognise cases of its train part."""
    measured: dict[str, Any] = summary["leakage"] or {}
    title = "Leakage of the splits"
    refused = [f"{scheme}: {result['reason']}" for scheme, result in measured.items() if "reason" in result]
    rows = [
        (scheme, part, name, *_leakage_cells(share))
        for scheme, result in measured.items()
        for part, entry in result.get("evaluation", {}).items()
        for name, share in _shares(entry)
    ]
    if not rows:
        return Section("leakage", title, ("No split was examined.", *refused))
    text = _RECOGNITION if summary["cases"] else _WITHOUT_CASES
    headings = ("split", "part", "class", "images", "case in train", "share", "identical file in train")
    return Section("leakage", title, (text, *refused), ("leakage_by_split",), (table("", headings, rows),))


def _leakage_cells(share: dict[str, Any]) -> tuple[str, ...]:
    copies = share.get("duplicated")
    return count(share["n"]), count(share["shared"]), percent(share["shared_fraction"]), count(copies)


def _shares(entry: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    yield from entry["per_class"].items()
    if "tumours" in entry:
        yield "all tumours", entry["tumours"]
    yield "all", entry["overall"]


def _written(key: str, value: float) -> str:
    return percent(value) if key in _SHARES else count(value)
