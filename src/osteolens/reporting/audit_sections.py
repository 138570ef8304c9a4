"""The chapters of an audit report, written once for its HTML and its Markdown form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from osteolens.data.audit.findings import counted
from osteolens.data.audit.tables import QUANTILES
from osteolens.reporting.html import PageTable, count, percent

_MOST_ROWS = 50

_INTRODUCTIONS = {
    "center": "Where a picture was made or published must not tell its class; where it does, a network can learn that.",
    "site": "By site, view, region and subtype, an image counts in every group whose flag it bears.",
}

_ANNOTATION_LISTS = {
    "tumours_without_annotation": "Tumour images without an annotated lesion",
    "normals_with_annotation": "Normal images with an annotated lesion",
    "without_image": "Annotations without an image in the table",
}
_ANNOTATION_TABLES = (
    ("unreadable", "Annotation files that cannot be read", ("annotation", "message")),
    ("ignored_shapes", "Shapes that were ignored", ("annotation", "message")),
    ("outline_and_box_counts_differ", "Outlines and boxes differ in number", ("annotation", "polygons", "rectangles")),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter: text, then figures (by their names), then tables; `anchor` is its address in the page."""

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    tables: tuple[PageTable, ...] = ()


def audit_sections(summary: dict[str, Any]) -> list[Section]:
    """Return the chapters after the findings for the summary of :func:`osteolens.data.audit.audit`."""
    return [
        _classes(summary),
        _files(summary),
        _annotations(summary),
        _duplicates(summary),
        _leakage(summary),
        _metadata(summary),
    ]


def _classes(summary: dict[str, Any]) -> Section:
    classes = list(summary["classes"])
    tables = [_counts_table(f"Images by {name}", name, table, classes) for name, table in summary["tables"].items()]
    text = [_INTRODUCTIONS[name] for name in summary["tables"] if name in _INTRODUCTIONS]
    return Section("classes", "Classes", tuple(text), ("classes_by_origin", "age_by_class"), tuple(tables))


def _files(summary: dict[str, Any]) -> Section:
    files = summary["files"]
    text = [
        f"{words}: {_listed(files[key])}." if files[key] else otherwise
        for key, words, otherwise in (
            ("missing", "Images of the table without a file", "Every image of the table has a file."),
            ("unlisted", "Image files that the table does not name", "The table names every image file."),
            ("coloured", "Images with colour", "No image has colour."),
        )
    ]
    tables = [_counts_table("Format and colour mode", "kind", files["kinds"], list(summary["classes"]))]
    width, height = files["width"], files["height"]
    if all(entry["all"]["min"] == entry["all"]["max"] for entry in (width, height)):
        text.append(f"Every file has {count(width['all']['min'])} x {count(height['all']['min'])} pixels.")
    else:
        tables += [_quantile_table(f"{name} in pixels", files[name.lower()], count) for name in ("Width", "Height")]
    if files["unreadable"]:
        tables.append(_records_table("Files that cannot be decoded", files["unreadable"], ("image_id", "message")))
    return Section("images", "Image files", tuple(text), ("image_size",), tuple(tables))


def _annotations(summary: dict[str, Any]) -> Section:
    found = summary["annotations"]
    if not found["files"]:
        return Section("annotations", "Annotations", ("There are no annotation files.",))
    drawn = f"{counted(found['polygons'], 'outline')} and {counted(found['rectangles'], 'box', 'boxes')}"
    text = [
        f"{counted(found['files'], 'file')} with {counted(found['lesions'], 'lesion')}, drawn as {drawn}.",
        f"A lesion is its outline; {counted(found['lesions_with_box_only'], 'lesion')} with a box only.",
        *(f"{words}: {_listed(found[key])}." for key, words in _ANNOTATION_LISTS.items() if found[key]),
    ]
    coverage = [
        (label, count(entry["images"]), count(entry["annotated"]), percent(entry["annotated"] / entry["images"]))
        for label, entry in found["coverage"].items()
    ]
    areas = {label: entry for label, entry in found["lesion_area"].items() if entry["n"]}
    tables = [
        _table("Images with an annotated lesion", ("class", "images", "annotated", "share"), coverage),
        _quantile_table("Lesion area, share of the image", areas, lambda value: percent(value, 2)),
        *(_records_table(words, found[key], columns) for key, words, columns in _ANNOTATION_TABLES if found[key]),
    ]
    return Section("annotations", "Annotations", tuple(text), ("lesion_area",), tuple(tables))


def _duplicates(summary: dict[str, Any]) -> Section:
    found = summary["duplicates"]
    groups, near = found["exact_groups"], found["near_pairs"]
    limit = f"whose perceptual hashes differ in at most {found['near_distance']} of 64 bits"
    text = [
        f"{counted(len(groups), 'group')} of byte-identical files"
        + (" (of the release, where this is a resized copy)." if found["groups_by_original"] else "."),
        f"{counted(len(near), 'further pair')} {limit}: some show one patient twice, others only look alike.",
    ]
    tables = []
    if groups:
        conflict = {tuple(entry["images"]): entry["labels"] for entry in found["label_conflicts"]}
        rows = [(", ".join(group), ", ".join(conflict.get(tuple(group), ["agree"]))) for group in groups]
        tables.append(_table("Identical files", ("images", "labels"), sorted(rows, key=lambda row: row[1] == "agree")))
    if near:
        case_words = {True: "same", False: "different", None: "unknown"}
        pairs = [
            (p["first"], p["second"], str(p["distance"]), ", ".join(p["labels"]), case_words[p["same_case"]])
            for p in near
        ]
        headings = ("first", "second", "bits that differ", "labels", "case")
        tables.append(_table("Near-identical pictures", headings, pairs))
    return Section("duplicates", "Duplicates", tuple(text), (), tuple(tables))


def _leakage(summary: dict[str, Any]) -> Section:
    if not summary["leakage"]:
        return Section("leakage", "Leakage of the splits", ("No split was examined.",))
    rows = [
        (scheme, part, name, count(share["n"]), count(share["shared"]), percent(share["shared_fraction"]))
        for scheme, result in summary["leakage"].items()
        for part, entry in result["evaluation"].items()
        for name, share in _shares(entry)
    ]
    text = "Images of an evaluation part whose case also has images in the training part: recognising the patient is "
    headings = ("split", "part", "class", "images", "case in train", "share")
    return Section(
        "leakage",
        "Leakage of the splits",
        (text + "enough to answer them, so a score on such a split is too high.",),
        tables=(_table("", headings, rows),),
    )


def _shares(entry: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    yield from entry["per_class"].items()
    if "tumours" in entry:
        yield "all tumours", entry["tumours"]
    yield "all", entry["overall"]


def _metadata(summary: dict[str, Any]) -> Section:
    found, gaps = summary["metadata"], summary["missing_values"]
    text = [
        f"{counted(len(found['columns']), 'column')}, {counted(found['warnings'], 'departure')} from the schema.",
        "" if gaps else "No value is missing.",
        "Rows are counted as in the file, its heading being row 1." if found["warnings"] else "",
    ]
    tables = []
    if gaps:
        rows = [(name, count(number), percent(number / summary["images"])) for name, number in gaps.items()]
        tables.append(_table("Missing values", ("column", "images without a value", "share"), rows))
    if found["violations"]:
        columns = ("image_id", "row", "column", "severity", "message")
        tables.append(_records_table("Departures from the schema", found["violations"], columns))
    return Section("metadata", "Metadata", tuple(line for line in text if line), (), tuple(tables))


def _counts_table(caption: str, grouping: str, table: dict[str, dict[str, int]], classes: list[str]) -> PageTable:
    rows = [
        (name, *(count(counts[label]) for label in classes), count(sum(counts.values())))
        for name, counts in table.items()
    ]
    return _table(caption, (grouping, *classes, "all"), rows)


def _quantile_table(caption: str, quantiles: dict[str, dict[str, float]], write: Any) -> PageTable:
    rows = [
        (name, count(entry["n"]), *(write(entry[quantile]) for quantile in QUANTILES))
        for name, entry in quantiles.items()
    ]
    names = [f"{int(name[1:])}%" if name.startswith("q") else name for name in QUANTILES]
    return _table(caption, ("class", "images", *names), rows)


def _records_table(caption: str, records: Sequence[dict[str, Any]], columns: tuple[str, ...]) -> PageTable:
    return _table(caption, columns, [tuple(str(record[name]) for name in columns) for record in records])


def _table(caption: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> PageTable:
    if len(rows) > _MOST_ROWS:
        caption = f"{caption}: the first {_MOST_ROWS} of {count(len(rows))}; data_audit.json holds all"
    return PageTable(headings, tuple(rows[:_MOST_ROWS]), caption)


def _listed(names: Sequence[str]) -> str:
    more = f" and {count(len(names) - _MOST_ROWS)} more" if len(names) > _MOST_ROWS else ""
    return ", ".join(names[:_MOST_ROWS]) + more
