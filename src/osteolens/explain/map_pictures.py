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
from osteolens.explain.cam import MapMethod
from osteolens.explain.gallery import Group
from osteolens.explain.outline import outline_path
from osteolens.explain.shown_maps import ShownImage
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
    shown: Mapping[int, ShownImage],
    out: Path,
    method: MapMethod,
) -> Path:
    """Write ``pictures/*.jpg`` and ``map_pictures.json``, which lists them; pictures of an earlier state are removed.

    Each image has the radiograph, the map of the class that was answered and, where that is not the truth, the map of
    the true class. Lesions are not drawn into them; the list holds their outlines, so that a page can hide them.

    Parameters
    ----------
    shown
        Row to its facts and maps, for each image that is written.
    out
        Folder for the list; the pictures lie in a folder beneath.
    """
    galleries: dict[int, list[list[str]]] = {}
    for group in groups:
        for row in group.rows:
            galleries.setdefault(row, []).append([group.class_name, group.kind])
    images = []
    for row in track(sorted(shown), "pictures of maps"):
        view, image = views(row), shown[row]
        panels = list(_write_panels(view, image, row=row, out=out))
        height, width = view.picture.shape
        size = {"width": width, "height": height, "outline": outline_path(view.mask)}
        images.append({**image.facts, "galleries": galleries.get(row, []), **size, "panels": panels})
    _remove_others(out, {panel["file"] for image in images for panel in image["panels"]})
    record = {IDENTITY: predictions_sha256(table), "method": method, "classes": table.class_names, "images": images}
    return write_json(out / MAP_PICTURES, record)


def _write_panels(view: View, image: ShownImage, *, row: int, out: Path) -> Iterator[dict[str, Any]]:
    stem = f"{PICTURES}/{row:05d}_{file_word(Path(image.facts[Column.IMAGE_ID]).stem)[-60:]}"
    radiograph = {"file": _write_jpeg(out, f"{stem}.jpg", view.picture), "shows": "radiograph"}
    yield {**radiograph, "class": None, "probability": None, "zero": None}
    for number, laid in enumerate(image.maps):
        file = _write_jpeg(out, f"{stem}_{number}.jpg", view.coloured(laid.cells))
        yield {"file": file, "shows": laid.shows, **laid.record}


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
