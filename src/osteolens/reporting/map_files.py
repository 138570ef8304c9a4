"""What the page of all maps is made of, read from the files of a run's folder ``gradcam/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.evaluation.parts import IDENTITY
from osteolens.explain.map_pictures import MAP_PICTURES
from osteolens.explain.score_table import SCORE_TABLE
from osteolens.reporting.map_shapes import Galleries, MapPictures, MapsMade
from osteolens.reporting.records import present, record
from osteolens.storage import read_table


@dataclass(frozen=True, slots=True)
class MapFiles:
    """Everything that is shown, checked to be of the same answers.

    Attributes
    ----------
    report, index, pictures
        Content of ``annotation_report.json``, ``gallery_index.json`` and ``map_pictures.json``.
    scores
        Image id to its row of ``annotation_scores.csv``, without what is empty in it.
    """

    report: dict[str, Any]
    index: dict[str, Any]
    pictures: dict[str, Any]
    scores: dict[str, dict[str, str]]


def read_map_files(folder: Path) -> MapFiles:
    """Read the files; a :class:`DataError` says which is missing, damaged or of other answers than the rest."""
    pictures = record(folder / MAP_PICTURES, "gradcam", MapPictures)
    report = record(folder / "annotation_report.json", "gradcam", MapsMade)
    if pictures[IDENTITY] != report[IDENTITY]:
        raise DataError(f"{folder / MAP_PICTURES} is not of the answers that the report is of. {_AGAIN}")
    index = record(folder / "gallery_index.json", "gradcam", Galleries)
    scores = _scores(folder / SCORE_TABLE)
    annotated = {image[Column.IMAGE_ID] for image in pictures["images"] if image["annotated"]}
    if annotated != set(scores):
        raise DataError(f"{folder / SCORE_TABLE} and {MAP_PICTURES} are of different images. {_AGAIN}")
    return MapFiles(report, index, pictures, scores)


_AGAIN = "Run osteolens gradcam again."
_NEEDED = (Column.IMAGE_ID, "size_band", "ceiling")


def _scores(path: Path) -> dict[str, dict[str, str]]:
    table = read_table(present(path, "gradcam"))
    if missing := [name for name in _NEEDED if name not in table]:
        raise DataError(f"{path} lacks {', '.join(missing)}. {_AGAIN}")
    rows = table.to_dict("records")
    return {str(row[Column.IMAGE_ID]): {str(name): cell for name, cell in row.items() if cell != ""} for row in rows}
