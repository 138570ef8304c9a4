"""The metadata tables in the release's columns, and the table of cases."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pandas as pd

from osteolens.data.columns import BENIGN_SUBTYPES, REGIONS, SITES, SUBTYPES, VIEWS
from osteolens.data.phantom.markers import Marker
from osteolens.data.phantom.oddities import Item, LabelOddity
from osteolens.domain import Column
from osteolens.storage import atomic_writer, write_table

CASE_GROUPING = "phantom_case"
FIXED_TIME = (2025, 1, 1, 0, 0, 0)
TRUTH = "truth.csv"
# The marker's box in pixels: right and bottom are just outside. marker_planted is 1 where the shortcut is.
TRUTH_COLUMNS = (
    *(Column.IMAGE_ID, Column.LABEL, "subtype", Column.CASE, Column.SOURCE, "scene", "view"),
    *("marker", "marker_left", "marker_top", "marker_right", "marker_bottom", "marker_planted"),
    *("copy_of", "label_oddity", "colouring"),
)


def metadata_row(item: Item, sites: frozenset[str]) -> dict[str, object]:
    """Return the 37 cells of one picture in the release's order, its planted oddity included."""
    case = item.listed.case
    row: dict[str, object] = {
        Column.IMAGE_ID: item.image_id,
        Column.CENTER: case.center,
        "age": case.age,
        "gender": case.gender,
        **{site: int(site in sites) for site in SITES},
        "tumor": int(case.subtype is not None),
        "benign": int(case.subtype is not None and not case.malignant),
        "malignant": int(case.malignant),
        **{subtype: int(subtype == case.subtype) for subtype in SUBTYPES},
        **{region: int(region == item.shown.case.scene.region) for region in REGIONS},
        **{projection: int(projection == item.shown.projection) for projection in VIEWS},
    }
    return row if item.oddity is None else _odd(row, item.oddity)


def _odd(row: dict[str, object], oddity: LabelOddity) -> dict[str, object]:
    """Return a row with one of the errors that BTXRD has."""
    if oddity == "other suffix":
        stem, _, suffix = str(row[Column.IMAGE_ID]).rpartition(".")
        return {**row, Column.IMAGE_ID: f"{stem}.{'jpeg' if suffix == 'jpg' else 'jpg'}"}
    if oddity == "no view":
        return {**row, **dict.fromkeys(VIEWS, 0)}
    group = {"two subtypes": BENIGN_SUBTYPES, "two views": VIEWS, "two regions": REGIONS}[oddity]
    return {**row, next(name for name in group if row[name] == 0): 1}


def case_row(item: Item) -> dict[str, object]:
    """Return one row of the case table."""
    return {
        Column.IMAGE_ID: item.image_id,
        Column.CASE: item.listed.case.case_id,
        "grouping": CASE_GROUPING,
        Column.SOURCE: item.listed.case.source,
    }


def truth_row(item: Item, marker: Marker | None) -> dict[str, object]:
    """Return what a picture shows and what was planted in it, whatever the other tables say; see TRUTH_COLUMNS."""
    shown = item.shown
    box = ("", "", "", "") if marker is None else marker.box
    cells = (
        item.image_id,
        shown.case.label,
        shown.case.subtype or "",
        shown.case.case_id,
        shown.case.source,
        shown.case.scene.name,
        shown.projection,
        "none" if marker is None else marker.style,
        *box,
        int(marker is not None and marker.style == "plate"),
        item.copy_of or "",
        item.oddity or "",
        item.colouring or "",
    )
    return dict(zip(TRUTH_COLUMNS, cells, strict=True))


def write_tables(
    root: Path,
    metadata: list[dict[str, object]],
    cases: list[dict[str, object]],
    truth: list[dict[str, object]],
) -> None:
    """Write ``dataset.csv``, ``dataset.xlsx``, ``cases.csv`` and ``truth.csv``."""
    table = pd.DataFrame(metadata)
    write_table(root / "dataset.csv", table)
    write_table(root / "cases.csv", pd.DataFrame(cases))
    write_table(root / TRUTH, pd.DataFrame(truth, columns=list(TRUTH_COLUMNS)))
    with atomic_writer(root / "dataset.xlsx") as stream:
        stream.write(_workbook(table))


def _workbook(table: pd.DataFrame) -> bytes:
    """Return an XLSX file without the time of writing, so that equal tables give equal bytes."""
    raw = io.BytesIO()
    table.to_excel(raw, sheet_name="Sheet1", index=False, engine="openpyxl")
    fixed = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2025-01-01T00:00:00Z", content)
            target.writestr(zipfile.ZipInfo(name, FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()
