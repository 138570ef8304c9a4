"""The radiograph and its maps as files, with all that a page needs to show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.errors import StorageError
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.cam import CLASSLESS, MapMethod, map_meaning
from osteolens.explain.captions import image_facts
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import Group
from osteolens.explain.views import View, Views
from osteolens.progress import track
from osteolens.storage import atomic_writer, file_word, write_json

MAP_PICTURES = "map_pictures.json"
PICTURES = "pictures"
JPEG_QUALITY = 90


def write_map_pictures(
    groups: Sequence[Group],
    table: PredictionsTable,
    views: Views,
    *,
    maps: Mapping[int, CellMap],
    area_shares: Mapping[int, float],
    out: Path,
    method: MapMethod,
) -> Path:
    """Write ``pictures/*.jpg`` and ``map_pictures.json``, which lists them; pictures of an earlier state are removed.

    Each image has the radiograph, the map of the class that was answered and, where that is not the truth, the map of
    the true class. Lesions are not drawn into them; the list holds their outlines, so that a page can hide them.

    Parameters
    ----------
    maps
        Row to the maps [K, h, w] of all classes, for each image that is written.
    area_shares
        Row of an annotated image to the share of the network's input that the lesion covers, 0 to 1.
    out
        Folder for the list; the pictures lie in a folder beneath.
    """
    galleries: dict[int, list[list[str]]] = {}
    for group in groups:
        for row in group.rows:
            galleries.setdefault(row, []).append([group.class_name, group.kind])
    images = []
    for row in track(sorted(maps), "pictures of maps"):
        view = views(row)
        facts = image_facts(table, row, area_shares.get(row))
        panels = list(_write_panels(view, maps[row], facts, table.class_names, row=row, out=out, method=method))
        height, width = view.picture.shape
        size = {"width": width, "height": height, "outline": outline_path(view.mask)}
        images.append({**facts, "galleries": galleries.get(row, []), **size, "panels": panels})
    _remove_others(out, {panel["file"] for image in images for panel in image["panels"]})
    record = {IDENTITY: predictions_sha256(table), "method": method, "classes": table.class_names, "images": images}
    return write_json(out / MAP_PICTURES, record)


def outline_path(mask: NDArray[np.uint8] | None) -> str:
    """Return the edges of a mask [H, W] as the data of an SVG path in its pixels; empty where nothing is marked."""
    if mask is None:
        return ""
    # Twice as large: the line runs near the edges of the pixels, not through their centres, and one pixel has an area.
    doubled = np.kron(np.pad(mask > 0, 1), np.ones((2, 2), np.uint8)).astype(np.uint8)
    edges, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    simple = (cv2.approxPolyDP(edge, 0.6, closed=True)[:, 0] / 2 - 0.75 for edge in edges)
    return "".join("M" + " ".join(f"{x:g},{y:g}" for x, y in points.tolist()) + "Z" for points in simple)


def _write_panels(
    view: View,
    maps: CellMap,
    facts: dict[str, Any],
    class_names: Sequence[str],
    *,
    row: int,
    out: Path,
    method: MapMethod,
) -> Iterator[dict[str, Any]]:
    stem = f"{PICTURES}/{row:05d}_{file_word(Path(facts[Column.IMAGE_ID]).stem)[-60:]}"
    yield {"file": _write_jpeg(out, f"{stem}.jpg", view.picture), "shows": "radiograph", "class": None, "zero": None}
    for name in dict.fromkeys([facts["answer"], facts["truth"]][: 1 if method in CLASSLESS else 2]):
        number = class_names.index(name)
        asked = " and ".join(role for role in ("answer", "truth") if facts[role] == name)
        cells = maps[number]
        yield {
            "file": _write_jpeg(out, f"{stem}_{number}.jpg", view.coloured(cells)),
            "shows": map_meaning(method, f"{asked}, {name}"),
            "class": None if method in CLASSLESS else name,
            "zero": cells.is_zero,
        }


def _write_jpeg(out: Path, name: str, picture: NDArray[np.uint8]) -> str:
    told = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".jpg", told, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not written:
        raise StorageError(f"{out / name} cannot be written as JPEG.")
    with atomic_writer(out / name) as stream:
        stream.write(data.tobytes())
    return name


def _remove_others(out: Path, kept: set[str]) -> None:
    for path in (out / PICTURES).glob("*.jpg"):
        if f"{PICTURES}/{path.name}" not in kept:
            path.unlink()
