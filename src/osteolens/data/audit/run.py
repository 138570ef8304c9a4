"""What is in a data set, and what in it could mislead a network or a reader of its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.config import DataOptions
from osteolens.data.audit.annotations import annotation_columns, scan_annotations, summarise_annotations
from osteolens.data.audit.copies import summarise_duplicates
from osteolens.data.audit.files import file_columns, read_files, summarise_files
from osteolens.data.audit.findings import findings
from osteolens.data.audit.grouping import summarise_cases
from osteolens.data.audit.origins import class_from_statistics, origin_column, statistics_by_origin
from osteolens.data.audit.tables import class_names, missing_values, tables_by_class
from osteolens.data.duplicates import NEAR_DISTANCE
from osteolens.data.schema import Metadata
from osteolens.data.sources import Source, read_source
from osteolens.domain import Column, image_stem


@dataclass(frozen=True, slots=True, eq=False)
class AuditResult:
    """An audit.

    Attributes
    ----------
    summary
        Everything that was found, in plain values fit for JSON.
    images
        One row per image of the metadata: its columns, case_id and source where known, width, height, file_size
        (bytes), kind, coloured, the numbers of :class:`osteolens.data.audit.picture_facts.PictureFacts`, lesions,
        lesion_area (share of the image), annotated_width, annotated_height. For the figures.
    violations
        Every departure of the metadata from the schema: row, image_id, column, value, severity, message.
    """

    summary: dict[str, Any]
    images: pd.DataFrame
    violations: pd.DataFrame


def audit(
    root: Path,
    *,
    images_dir: str = "images",
    annotations_dir: str = "Annotations",
    metadata: str = "dataset.csv",
    source: Source | None = None,
    cases: pd.DataFrame | None = None,
    leakage: dict[str, Any] | None = None,
    near_distance: int = NEAR_DISTANCE,
) -> AuditResult:
    """Read every file of a data set once and count what is there.

    Parameters
    ----------
    source
        The table and the files where they were read already, as for data with columns of their own.
    cases
        Columns image_id, case_id, source; adds the source to the tables and the case to near-duplicates.
    leakage
        Result of :func:`osteolens.data.audit.grouping.leakage_of_splits`; passed on to the report.
    near_distance
        Two pictures are near-duplicates when their perceptual hashes differ in at most this many of 64 bits. On BTXRD
        4 gives 20 pairs beyond the identical ones; at 6 most pairs only show the same joint of different patients.

    Raises
    ------
    DataError
        The metadata or the image folder is missing or unusable. A damaged image or annotation is listed instead.
    """
    source = source or read_source(DataOptions(root=root, images_dir=images_dir, metadata=metadata))
    table, files = source.metadata, source.files
    frame = _with_cases(table.frame, cases)
    facts, unreadable = read_files(files, frame[Column.IMAGE_ID])
    scan = scan_annotations(root / annotations_dir)
    images = pd.concat([frame, file_columns(frame, facts), annotation_columns(frame, scan)], axis=1)
    classes = class_names(images[Column.LABEL])
    summary: dict[str, Any] = {
        "images": len(images),
        "annotated": int((images["lesions"] > 0).sum()),
        "classes": {name: int((images[Column.LABEL] == name).sum()) for name in classes},
        "tables": tables_by_class(images),
        "missing_values": missing_values(table.frame),
        "metadata": _summarise_metadata(table),
        "files": {**summarise_files(images, files), "unreadable": unreadable},
        "annotations": summarise_annotations(images, scan),
        "origin": origin_column(images),
        "statistics": statistics_by_origin(images),
        "class_from_statistics": class_from_statistics(images),
        "duplicates": summarise_duplicates(images, facts, near_distance),
        "cases": summarise_cases(images),
        "leakage": leakage,
    }
    return AuditResult({**summary, "findings": findings(summary)}, images, table.violations)


def _with_cases(frame: pd.DataFrame, cases: pd.DataFrame | None) -> pd.DataFrame:
    if cases is None:
        return frame
    stems = frame[Column.IMAGE_ID].map(image_stem)
    known = cases.set_index(cases[Column.IMAGE_ID].map(image_stem))
    columns = {name: stems.map(known[name]).fillna("") for name in (Column.CASE, Column.SOURCE) if name in known}
    return frame.assign(**columns)


def _summarise_metadata(table: Metadata) -> dict[str, Any]:
    found = table.violations
    return {
        "columns": [str(name) for name in table.frame.columns],
        "warnings": len(found),
        "kinds": [
            {"severity": severity, "message": message, "rows": len(group), "first_row": int(group["row"].min())}
            for (severity, message), group in found.groupby(["severity", "message"], sort=False)
        ],
        "violations": found.to_dict(orient="records"),
    }
