"""A file or a folder of radiographs to a table of answers; what cannot be read is listed, the rest is served."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

import osteolens
from osteolens.data.dicom.recognition import begins_as_dicom
from osteolens.domain import IMAGE_SUFFIXES, Prediction
from osteolens.errors import DataError
from osteolens.inference.answering import Answering
from osteolens.progress import track
from osteolens.storage import atomic_writer, write_json, write_table

DICOM_DIRECTORY = "DICOMDIR"  # the table of contents of a disc, itself a DICOM file
OTHER_PICTURES = (".gif", ".webp", ".heic", ".jp2")  # refused in words, not passed over in silence


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Answers and refusals of a batch.

    Attributes
    ----------
    predictions
        One per picture that was read, in the order of the paths.
    failures
        Path and reason of each picture that was not.
    """

    predictions: tuple[Prediction, ...]
    failures: tuple[tuple[str, str], ...]

    def to_dict(self, predictor: Answering) -> dict[str, Any]:
        """Return the content of ``predictions.json``."""
        return {
            "notice": osteolens.NOT_FOR_CLINICAL_USE,
            "checkpoint_sha256": predictor.sha256,
            "engine": predictor.engine,
            "class_names": list(predictor.class_names),
            "predictions": [
                {"image": answer.image, "label": answer.label, "probabilities": answer.probabilities}
                | ({} if answer.decision is None else {"decision": answer.decision.to_dict()})
                for answer in self.predictions
            ],
            "failures": [{"image": name, "reason": reason} for name, reason in self.failures],
        }

    def to_table(self) -> pd.DataFrame:
        """Return the content of ``predictions.csv``: image, label, one probability column per class."""
        return pd.DataFrame(
            [
                {"image": answer.image, "label": answer.label}
                | {f"prob_{name}": round(value, 6) for name, value in answer.probabilities.items()}
                for answer in self.predictions
            ]
        )


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder and its sub-folders, sorted; hidden files and other kinds are passed over.

    DICOM files as archives and discs name them, without suffix or by a UID, are found by how they begin.

    Raises
    ------
    DataError
        The folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist.")
    suffixes = {*IMAGE_SUFFIXES, *OTHER_PICTURES}
    visible = (path for path in folder.rglob("*") if not path.name.startswith("."))
    found = sorted(path for path in visible if path.suffix.lower() in suffixes or _is_unnamed_dicom(path))
    if not found:
        raise DataError(f"the folder {folder} holds no picture ({', '.join(sorted(suffixes))}).")
    return found


def _is_unnamed_dicom(path: Path) -> bool:
    bears_no_kind = not path.suffix or path.suffix[1:].isdigit()
    return bears_no_kind and path.name != DICOM_DIRECTORY and begins_as_dicom(path)


def infer(predictor: Answering, paths: Sequence[Path], out: Path, *, gradcam: bool = False) -> BatchResult:
    """Answer for every path and write ``predictions.csv``, ``predictions.json`` and, if asked for, overlays.

    Parameters
    ----------
    gradcam
        Write ``overlays/<name>.png`` with the map of the answered class, at the picture's own size.
    """
    predictions: list[Prediction] = []
    failures: list[tuple[str, str]] = []
    for path, name in track(list(_named(paths)), "answering"):
        try:
            answer = predictor.answer(path, name)
        except DataError as error:
            failures.append((name, str(error)))
            continue
        predictions.append(answer)
        if gradcam:
            overlay = Image.fromarray(predictor.overlay(path, answer.label))
            with atomic_writer(out / "overlays" / f"{name}.png") as stream:
                overlay.save(stream, format="PNG")
    result = BatchResult(tuple(predictions), tuple(failures))
    write_json(out / "predictions.json", result.to_dict(predictor))
    write_table(out / "predictions.csv", result.to_table())
    return result


def _named(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each path with its name below the batch's common folder, so that equal file names stay apart."""
    common = os.path.commonpath([path.parent for path in paths])
    for path in paths:
        yield path, Path(os.path.relpath(path, common)).as_posix()
