"""A labelled sheet of pictures of a phantom data set, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from osteolens.data.columns import SITES, SUBTYPES, VIEWS
from osteolens.data.phantom.noise import Picture
from osteolens.data.phantom.tables import TRUTH
from osteolens.domain import image_stem
from osteolens.errors import DataError
from osteolens.storage import atomic_writer, read_json, read_table

CELL = 260
LINE = 17
CAPTION = 2 * LINE + 6
OUTLINE = (0, 159, 230)  # orange of the Okabe-Ito palette, as BGR


def contact_sheet(root: Path, path: Path, columns: int, rows: int) -> Path:
    """Write a PNG of ``columns * rows`` pictures and return `path`.

    One picture of each subtype comes first, then normals, then whatever is left; each with its outlines and, below
    it, class and subtype, site, view and center.
    """
    table = read_table(root / "dataset.csv")
    table["scene"] = read_table(root / TRUTH)["scene"]
    table = table.iloc[_showcase(table)[: columns * rows]]
    sheet = np.zeros((rows * (CELL + CAPTION), columns * CELL, 3), dtype=np.uint8)
    for index, row in enumerate(table.to_dict("records")):
        top, left = index // columns * (CELL + CAPTION), index % columns * CELL
        image_id = str(row["image_id"])
        sheet[top : top + CELL, left : left + CELL] = _cell(root, image_id)
        for number, line in enumerate(_caption(row), start=1):
            place = (left + 4, top + CELL + number * LINE)
            cv2.putText(sheet, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    done, png = cv2.imencode(".png", sheet)
    if not done:
        raise DataError(f"the contact sheet {path} could not be encoded.")
    with atomic_writer(path) as stream:
        stream.write(png.tobytes())
    return path


def _showcase(table: pd.DataFrame) -> list[int]:
    """Return all row numbers: the first of each subtype, then normals, then the rest."""
    firsts = [int(np.flatnonzero(table[name] == "1")[0]) for name in SUBTYPES if (table[name] == "1").any()]
    order = [*dict.fromkeys(firsts), *np.flatnonzero(table["tumor"] == "0").tolist(), *range(len(table))]
    return list(dict.fromkeys(order))


def _caption(row: dict[Any, Any]) -> tuple[str, str]:
    subtype = ", ".join(_ticked(row, SUBTYPES))
    kind = "Malignant" if row["malignant"] == "1" else "Benign"
    site = ", ".join(_ticked(row, SITES)) or row["scene"]
    view = ", ".join(_ticked(row, VIEWS)) or "view unknown"
    return f"{kind}: {subtype}" if subtype else "Normal", f"{site}, {view}, center {row['center']}"


def _ticked(row: dict[Any, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if row[name] == "1"]


def _cell(root: Path, image_id: str) -> Picture:
    """Return the picture fitted into a square, with its outlines drawn, (CELL, CELL, 3)."""
    picture = cv2.imread(str(root / "images" / image_id), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"{image_id} in {root / 'images'} is missing or is not a picture.")
    scale = (CELL - 4) / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    annotation = root / "Annotations" / f"{image_stem(image_id)}.json"
    if annotation.exists():
        shapes = read_json(annotation)["shapes"]
        outlines = [
            np.rint(np.array(s["points"]) * scale).astype(np.int32) for s in shapes if s["shape_type"] == "polygon"
        ]
        cv2.polylines(small, outlines, isClosed=True, color=OUTLINE, thickness=1, lineType=cv2.LINE_AA)
    cell = np.zeros((CELL, CELL, 3), dtype=np.uint8)
    top, left = (CELL - small.shape[0]) // 2, (CELL - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell
