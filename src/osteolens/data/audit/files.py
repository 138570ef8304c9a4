"""What an audit tells about the image files of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.data.audit.file_facts import FileFacts, read_file_facts
from osteolens.data.audit.tables import class_names, quantiles_by_class
from osteolens.data.schema import ImageFiles
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError
from osteolens.progress import track


def read_files(files: ImageFiles, image_ids: pd.Series[str]) -> tuple[dict[str, FileFacts], list[dict[str, str]]]:
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


def file_columns(frame: pd.DataFrame, facts: dict[str, FileFacts]) -> pd.DataFrame:
    """Return, for each image, what its file and picture are like; NaN and "" where it could not be read."""
    rows = [_file_row(facts.get(image_id)) for image_id in frame[Column.IMAGE_ID]]
    columns: pd.DataFrame = pd.DataFrame(rows, index=frame.index)
    return columns


def _file_row(fact: FileFacts | None) -> dict[str, Any]:
    numbers = ("mean", "std", "sharpness", "black_border", "white_border")
    if fact is None:
        unknown = dict.fromkeys(("width", "height", "file_size", *numbers), float("nan"))
        return {**unknown, "kind": "", "coloured": False, "framed": False, "blank": False}
    return {
        "width": fact.width,
        "height": fact.height,
        "file_size": fact.size,
        **{name: getattr(fact.picture, name) for name in numbers},
        "kind": fact.kind,
        "coloured": fact.coloured,
        "framed": fact.picture.framed,
        "blank": fact.picture.blank,
    }


def summarise_files(images: pd.DataFrame, files: ImageFiles) -> dict[str, Any]:
    """Return what is missing, unlisted or odd among the files, and their kinds, sizes and borders."""
    kinds = images.loc[images["kind"] != ""]
    return {
        "missing": list(files.missing),
        "unlisted": [path.name for path in files.unlisted],
        **{name: images.loc[images[name], Column.IMAGE_ID].tolist() for name in ("coloured", "framed", "blank")},
        "borders": _borders(images),
        "kinds": {
            kind: {name: int((group[Column.LABEL] == name).sum()) for name in class_names(images[Column.LABEL])}
            for kind, group in kinds.groupby("kind")
        },
        "width": quantiles_by_class(images, "width"),
        "height": quantiles_by_class(images, "height"),
    }


def _borders(images: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return, for each class and for ``all``, how many pictures were read and have a border on any or on all sides."""
    read = images[images["kind"] != ""]
    groups = {"all": read, **{name: read[read[Column.LABEL] == name] for name in class_names(images[Column.LABEL])}}
    return {
        name: {
            "images": len(group),
            "black": int((group["black_border"] > 0).sum()),
            "white": int((group["white_border"] > 0).sum()),
            "framed": int(group["framed"].sum()),
        }
        for name, group in groups.items()
    }
