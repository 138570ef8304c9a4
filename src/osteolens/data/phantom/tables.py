"""The metadata tables in the release's columns, and the table of cases."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pandas as pd

from osteolens.data.columns import REGIONS, SITES, SUBTYPES, VIEWS
from osteolens.data.phantom.cases import Case
from osteolens.domain import Column
from osteolens.storage import atomic_writer, write_table

CASE_GROUPING = "phantom_case"
FIXED_TIME = (2025, 1, 1, 0, 0, 0)


def metadata_row(image_id: str, case: Case, view: int, sites: frozenset[str]) -> dict[str, object]:
    """Return the 37 cells of one picture in the release's order; normals have no sites, as there."""
    return {
        Column.IMAGE_ID: image_id,
        Column.CENTER: case.center,
        "age": case.age,
        "gender": case.gender,
        **{site: int(site in sites) for site in SITES},
        "tumor": int(case.subtype is not None),
        "benign": int(case.subtype is not None and not case.malignant),
        "malignant": int(case.malignant),
        **{subtype: int(subtype == case.subtype) for subtype in SUBTYPES},
        **{region: int(region == case.scene.region) for region in REGIONS},
        **{projection: int(projection == case.views[view]) for projection in VIEWS},
    }


def case_row(image_id: str, case: Case) -> dict[str, object]:
    """Return one row of the case table."""
    return {
        Column.IMAGE_ID: image_id,
        Column.CASE: case.case_id,
        "grouping": CASE_GROUPING,
        Column.SOURCE: case.source,
    }


def write_tables(root: Path, metadata: list[dict[str, object]], cases: list[dict[str, object]]) -> None:
    """Write ``dataset.csv``, ``dataset.xlsx`` and ``cases.csv``."""
    table = pd.DataFrame(metadata)
    write_table(root / "dataset.csv", table)
    write_table(root / "cases.csv", pd.DataFrame(cases))
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
