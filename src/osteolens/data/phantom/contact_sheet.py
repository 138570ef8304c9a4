"""A labelled sheet of pictures of a data set, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from osteolens.data.columns import SUBTYPES
from osteolens.data.phantom.processing import Picture
from osteolens.domain import image_stem
from osteolens.errors import DataError
from osteolens.storage import atomic_writer, read_json, read_table

CELL = 260
CAPTION = 22
OUTLINE = (0, 159, 230)  # orange of the Okabe-Ito palette, as BGR


def contact_sheet(root: Path, path: Path, columns: int, rows: int) -> Path:
    """Write a PNG of the first ``columns * rows`` pictures with class, subtype and outlines; return `path`."""
    table = read_table(root / "dataset.csv").iloc[: columns * rows]
    sheet = np.zeros((rows * (CELL + CAPTION), columns * CELL, 3), dtype=np.uint8)
    for index, row in enumerate(table.to_dict("records")):
        top, left = index // columns * (CELL + CAPTION), index % columns * CELL
        image_id = str(row["image_id"])
        sheet[top : top + CELL, left : left + CELL] = _cell(root, image_id)
        place = (left + 4, top + CELL + CAPTION - 7)
        cv2.putText(sheet, _caption(row), place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    done, png = cv2.imencode(".png", sheet)
    if not done:
        raise DataError(f"the contact sheet {path} could not be encoded.")
    with atomic_writer(path) as stream:
        stream.write(png.tobytes())
    return path


def _caption(row: dict[Any, Any]) -> str:
    subtype = ", ".join(name for name in SUBTYPES if row[name] == "1")
    if not subtype:
        return "Normal"
    return f"{'Malignant' if row['malignant'] == '1' else 'Benign'}: {subtype}"


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
