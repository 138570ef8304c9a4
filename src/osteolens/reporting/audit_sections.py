"""The chapters of an audit report, written once for its HTML and its Markdown form."""

from __future__ import annotations

from typing import Any

from osteolens.reporting.audit_grouping import grouping_section, leakage_section, origin_section
from osteolens.reporting.audit_tables import Section, counts_table, listed, quantile_table, records_table, table
from osteolens.reporting.html import count, percent
from osteolens.wording import counted

_INTRODUCTIONS = {
    "center": "Where a picture was made or published must not tell its class; where it does, a network can learn that.",
    "site": "By site, view, region and subtype, an image counts in every group whose flag it bears.",
}

_ANNOTATION_LISTS = {
    "tumours_without_annotation": "Tumour images without an annotated lesion",
    "normals_with_annotation": "Normal images with an annotated lesion",
    "turned": "Annotations whose height and width are exchanged",
    "without_image": "Annotations without an image in the table",
}
_ANNOTATION_TABLES = (
    ("unreadable", "Annotation files that cannot be read", ("annotation", "message")),
    ("ignored_shapes", "Shapes that were ignored", ("annotation", "message")),
    ("outline_and_box_counts_differ", "Outlines and boxes differ in number", ("annotation", "polygons", "rectangles")),
)


_BORDERS = {"images": "images", "black": "black border", "white": "white border", "framed": "border on all sides"}


def audit_sections(summary: dict[str, Any]) -> list[Section]:
    """Return the chapters after the findings for the summary of :func:`osteolens.data.audit.audit`."""
    return [
        _classes(summary),
        _files(summary),
        origin_section(summary),
        _annotations(summary),
        _duplicates(summary),
        grouping_section(summary),
        leakage_section(summary),
        _metadata(summary),
    ]


def _classes(summary: dict[str, Any]) -> Section:
    classes = list(summary["classes"])
    tables = [counts_table(f"Images by {name}", name, counts, classes) for name, counts in summary["tables"].items()]
    text = [_INTRODUCTIONS[name] for name in summary["tables"] if name in _INTRODUCTIONS]
    return Section("classes", "Classes", tuple(text), ("classes_by_origin", "age_by_class"), tuple(tables))


def _files(summary: dict[str, Any]) -> Section:
    files = summary["files"]
    text = [
        f"{words}: {listed(files[key])}." if files[key] else otherwise
        for key, words, otherwise in (
            ("missing", "Images of the table without a file", "Every image of the table has a file."),
            ("unlisted", "Image files that the table does not name", "The table names every image file."),
            ("coloured", "Images with colour", "No image has colour."),
            ("blank", "Pictures of a single grey level", "No picture is blank."),
        )
    ]
    tables = [counts_table("Format and colour mode", "kind", files["kinds"], list(summary["classes"]))]
    width, height = files["width"], files["height"]
    if all(entry["all"]["min"] == entry["all"]["max"] for entry in (width, height)):
        text.append(f"Every file has {count(width['all']['min'])} x {count(height['all']['min'])} pixels.")
    else:
        tables += [quantile_table(f"{name} in pixels", files[name.lower()], count) for name in ("Width", "Height")]
    borders = [(name, *(count(entry[key]) for key in _BORDERS)) for name, entry in files["borders"].items()]
    caption = "Borders: rows or columns at the edge that are black or white nearly throughout"
    tables.append(table(caption, ("class", *_BORDERS.values()), borders))
    if files["unreadable"]:
        tables.append(records_table("Files that cannot be decoded", files["unreadable"], ("image_id", "message")))
    return Section("images", "Image files", tuple(text), ("image_size",), tuple(tables))


def _annotations(summary: dict[str, Any]) -> Section:
    found = summary["annotations"]
    if not found["files"]:
        return Section("annotations", "Annotations", ("There are no annotation files.",))
    drawn = f"{counted(found['polygons'], 'outline')} and {counted(found['rectangles'], 'box', 'boxes')}"
    text = [
        f"{counted(found['files'], 'file')} with {counted(found['lesions'], 'lesion')}, drawn as {drawn}.",
        f"A lesion is its outline; {counted(found['lesions_with_box_only'], 'lesion')} with a box only.",
        _scaling(len(found["other_size"])),
        *(f"{words}: {listed(found[key])}." for key, words in _ANNOTATION_LISTS.items() if found[key]),
    ]
    coverage = [
        (label, count(entry["images"]), count(entry["annotated"]), percent(entry["annotated"] / entry["images"]))
        for label, entry in found["coverage"].items()
    ]
    classes = [name for name in summary["classes"] if found["coverage"][name]["annotated"]]
    tables = [
        table("Images with an annotated lesion", ("class", "images", "annotated", "share"), coverage),
        counts_table("Images by lesion area", "area", found["lesion_area_bands"], classes),
        quantile_table("Lesion area, share of the image", _with_images(found["lesion_area"]), _fine_percent),
        *(
            quantile_table(f"{words} that the annotations state, in pixels", _with_images(found[key]), count)
            for key, words in (("annotated_width", "Width"), ("annotated_height", "Height"))
            if found["other_size"]
        ),
        *(records_table(words, found[key], columns) for key, words, columns in _ANNOTATION_TABLES if found[key]),
    ]
    return Section("annotations", "Annotations", tuple(text), ("lesion_area",), tuple(tables))


def _fine_percent(share: float) -> str:
    return percent(share, 2)


def _scaling(number: int) -> str:
    if not number:
        return "Every annotation was made at the size of its picture."
    return f"{counted(number, 'annotation')} made at another picture size; outlines are scaled to the picture."


def _with_images(quantiles: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {label: entry for label, entry in quantiles.items() if entry["n"]}


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
        tables.append(table("Identical files", ("images", "labels"), sorted(rows, key=lambda row: row[1] == "agree")))
    if near:
        case_words = {True: "same", False: "different", None: "unknown"}
        pairs = [
            (p["first"], p["second"], str(p["distance"]), ", ".join(p["labels"]), case_words[p["same_case"]])
            for p in near
        ]
        headings = ("first", "second", "bits that differ", "labels", "case")
        tables.append(table("Near-identical pictures", headings, pairs))
    return Section("duplicates", "Duplicates", tuple(text), (), tuple(tables))


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
        tables.append(table("Missing values", ("column", "images without a value", "share"), rows))
    if found["violations"]:
        kinds = [(entry["message"], entry["severity"], count(entry["rows"])) for entry in found["kinds"]]
        tables.append(table("Departures by kind", ("departure", "severity", "rows"), kinds))
        columns = ("image_id", "row", "column", "value", "severity", "message")
        caption = "Departures from the schema, all of which are in data_audit_violations.csv"
        tables.append(records_table(caption, found["violations"], columns))
    return Section("metadata", "Metadata", tuple(line for line in text if line), (), tuple(tables))
