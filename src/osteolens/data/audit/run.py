"""What is in a data set, and what in it could mislead a network or a reader of its results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteolens.data.audit.annotations import annotation_columns, scan_annotations, summarise_annotations
from osteolens.data.audit.file_facts import FileFacts, read_file_facts
from osteolens.data.audit.findings import findings
from osteolens.data.audit.tables import class_names, missing_values, quantiles_by_class, tables_by_class
from osteolens.data.cases import is_btxrd
from osteolens.data.duplicates import (
    NEAR_DISTANCE,
    exact_duplicates,
    known_original_duplicates,
    near_duplicates,
)
from osteolens.data.schema import ImageFiles, Metadata, find_images, read_metadata
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError
from osteolens.progress import track


@dataclass(frozen=True, slots=True, eq=False)
class AuditResult:
    """An audit.

    Attributes
    ----------
    summary
        Everything that was found, in plain values fit for JSON.
    images
        One row per image of the metadata: its columns, case_id and source where known, width, height, kind,
        coloured, lesions, lesion_area (share of the image), annotated_width, annotated_height. For the figures.
    """

    summary: dict[str, Any]
    images: pd.DataFrame


def audit(
    root: Path,
    *,
    images_dir: str = "images",
    annotations_dir: str = "Annotations",
    metadata: str = "dataset.csv",
    cases: pd.DataFrame | None = None,
    leakage: dict[str, Any] | None = None,
    near_distance: int = NEAR_DISTANCE,
) -> AuditResult:
    """Read every file of a data set once and count what is there.

    Parameters
    ----------
    cases
        Columns image_id, case_id, source; adds the source to the tables and the case to near-duplicates.
    leakage
        Scheme to result of :func:`osteolens.data.leakage.measure_leakage`; passed on to the report.
    near_distance
        Two pictures are near-duplicates when their perceptual hashes differ in at most this many of 64 bits. On BTXRD
        4 gives 20 pairs beyond the identical ones; at 6 most pairs only show the same joint of different patients.

    Raises
    ------
    DataError
        The metadata or the image folder is missing or unusable. A damaged image or annotation is listed instead.
    """
    table = read_metadata(root / metadata)
    frame = _with_cases(table.frame, cases)
    files = find_images(root / images_dir, frame[Column.IMAGE_ID])
    facts, unreadable = _read_files(files, frame[Column.IMAGE_ID])
    scan = scan_annotations(root / annotations_dir)
    images = pd.concat([frame, _file_columns(frame, facts), annotation_columns(frame, scan)], axis=1)
    classes = class_names(images[Column.LABEL])
    summary: dict[str, Any] = {
        "images": len(images),
        "annotated": int((images["lesions"] > 0).sum()),
        "classes": {name: int((images[Column.LABEL] == name).sum()) for name in classes},
        "tables": tables_by_class(images),
        "missing_values": missing_values(table.frame),
        "metadata": _summarise_metadata(table),
        "files": {**_summarise_files(images, files), "unreadable": unreadable},
        "annotations": summarise_annotations(images, scan),
        "duplicates": _summarise_duplicates(images, facts, near_distance),
        "leakage": leakage,
    }
    return AuditResult({**summary, "findings": findings(summary)}, images)


def _with_cases(frame: pd.DataFrame, cases: pd.DataFrame | None) -> pd.DataFrame:
    if cases is None:
        return frame
    stems = frame[Column.IMAGE_ID].map(image_stem)
    known = cases.set_index(cases[Column.IMAGE_ID].map(image_stem))
    columns = {name: stems.map(known[name]).fillna("") for name in (Column.CASE, Column.SOURCE) if name in known}
    return frame.assign(**columns)


def _read_files(files: ImageFiles, image_ids: pd.Series[str]) -> tuple[dict[str, FileFacts], list[dict[str, str]]]:
    """Return facts by image id, and id and message of each file that cannot be read."""
    present = [image_id for image_id in image_ids if image_stem(image_id) in files.paths]
    read = {name: _facts_or_message(files.paths[image_stem(name)]) for name in track(present, "reading images")}
    facts = {name: result for name, result in read.items() if isinstance(result, FileFacts)}
    unreadable = [{"image_id": name, "message": result} for name, result in read.items() if isinstance(result, str)]
    return facts, unreadable


def _facts_or_message(path: Path) -> FileFacts | str:
    try:
        return read_file_facts(path)
    except DataError as error:
        return str(error)


def _file_columns(frame: pd.DataFrame, facts: dict[str, FileFacts]) -> pd.DataFrame:
    rows = [
        (fact.width, fact.height, fact.kind, fact.coloured) if fact else (float("nan"), float("nan"), "", False)
        for fact in map(facts.get, frame[Column.IMAGE_ID])
    ]
    columns: pd.DataFrame = pd.DataFrame(rows, columns=["width", "height", "kind", "coloured"], index=frame.index)
    return columns


def _summarise_metadata(table: Metadata) -> dict[str, Any]:
    found = table.violations
    return {
        "columns": [str(name) for name in table.frame.columns],
        "warnings": len(found),
        "violations": found.to_dict(orient="records"),
    }


def _summarise_files(images: pd.DataFrame, files: ImageFiles) -> dict[str, Any]:
    kinds = images.loc[images["kind"] != ""]
    return {
        "missing": list(files.missing),
        "unlisted": [path.name for path in files.unlisted],
        "coloured": images.loc[images["coloured"], Column.IMAGE_ID].tolist(),
        "kinds": {
            kind: {name: int((group[Column.LABEL] == name).sum()) for name in class_names(images[Column.LABEL])}
            for kind, group in kinds.groupby("kind")
        },
        "width": quantiles_by_class(images, "width"),
        "height": quantiles_by_class(images, "height"),
    }


def _summarise_duplicates(images: pd.DataFrame, facts: dict[str, FileFacts], near_distance: int) -> dict[str, Any]:
    labels = dict(zip(images[Column.IMAGE_ID], images[Column.LABEL], strict=True))
    by_file = exact_duplicates({image_id: fact.sha256 for image_id, fact in facts.items()})
    by_original = _original_duplicates(labels)
    exact = _merged([*by_file, *by_original])
    conflicts = [group for group in exact if len({labels[name] for name in group}) > 1]
    return {
        "exact_groups": exact,
        "groups_by_file": len(by_file),
        "groups_by_original": len(by_original),
        "label_conflicts": [{"images": group, "labels": [labels[name] for name in group]} for group in conflicts],
        "near_distance": near_distance,
        "near_pairs": _near_pairs(images, facts, exact, near_distance),
    }


def _near_pairs(
    images: pd.DataFrame, facts: dict[str, FileFacts], exact: list[list[str]], near_distance: int
) -> list[dict[str, Any]]:
    """Return the near-duplicates that are not identical, with their labels and whether they are of one case."""
    by_id = images.set_index(Column.IMAGE_ID)
    labels, cases = by_id[Column.LABEL], by_id.get(Column.CASE)
    group_of = {name: number for number, group in enumerate(exact) for name in group}
    hashes = np.array([fact.perceptual_hash for fact in facts.values()], dtype=np.uint64)
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "distance": pair.distance,
            "labels": [labels[pair.first], labels[pair.second]],
            "same_case": None if cases is None else bool(cases[pair.first] == cases[pair.second]),
        }
        for pair in near_duplicates(facts, hashes, near_distance)
        if pair.first not in group_of or group_of[pair.first] != group_of.get(pair.second)
    ]


def _original_duplicates(labels: dict[str, str]) -> list[list[str]]:
    """Return the groups of these images whose originals are identical in the release; none unless this is BTXRD."""
    if not is_btxrd(labels):
        return []
    id_of = {image_stem(image_id): image_id for image_id in labels}
    groups = ([id_of[stem] for stem in group if stem in id_of] for group in known_original_duplicates())
    return [group for group in groups if len(group) > 1]


def _merged(groups: Iterable[list[str]]) -> list[list[str]]:
    """Join the groups that share a member."""
    merged: list[set[str]] = []
    for group in groups:
        touching = [other for other in merged if other & set(group)]
        merged = [other for other in merged if other not in touching] + [set(group).union(*touching)]
    return sorted(sorted(group) for group in merged)
