"""Answers as the tests of DICOM results need them: a picture, a map with one hot corner, and everything told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from dicom_files import file_bytes, radiograph
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from osteolens.data.dicom.identity import dicom_identity
from osteolens.data.images import read_grey
from osteolens.dicom_results.answered import AnsweredPicture, EvidenceMap
from osteolens.dicom_results.results import DicomResults, make_results
from osteolens.inference.answer import Answer, Call, Decision
from osteolens.inference.novelty import Novelty

MADE_AT = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001  DICOM's dates have no zone of their own
MODEL = "0123456789abcdef" * 4
QUESTION = Call("Malignant against the rest", "high_sensitivity", 0.3, 0.7)


def hot_corner(height: int, width: int) -> NDArray[np.float32]:
    """1 in the upper left quarter, 0.25 elsewhere."""
    heat = np.full((height, width), 0.25, np.float32)
    heat[: height // 2, : width // 2] = 1
    return heat


def answer_for(picture: NDArray[np.uint8], **changes: Any) -> AnsweredPicture:
    """An answer of Malignant for a picture, changed in some respects; keywords are those of all three records."""
    told: dict[str, Any] = {
        "probabilities": {"Normal": 0.2, "Benign": 0.2, "Malignant": 0.6},
        "calibrated": {"Normal": 0.1, "Benign": 0.2, "Malignant": 0.7},
        "conformal_set": ("Benign", "Malignant"),
        "calls": (QUESTION,),
        "novelty": Novelty(3.0, 4.0, 0.05),
        "accepted": (),
        "evidence": EvidenceMap("Malignant", hot_corner(*picture.shape)),
        "model_id": MODEL,
        "version": "0.1.0",
    } | changes
    decision = Decision(told["calibrated"], told["conformal_set"], told["calls"])
    answer = Answer("source.dcm", told["probabilities"], decision, told["novelty"], told["accepted"])
    return AnsweredPicture(picture, answer, told["evidence"], told["model_id"], told["version"])


def results_of(path: Path, **changes: Any) -> DicomResults:
    """The objects of an answer for a file."""
    return make_results(dicom_identity(path), answer_for(read_grey(path), **changes), MADE_AT)


def read_results(path: Path, out: Path, **changes: Any) -> dict[str, Dataset]:
    """The same written and read again, by the names of their files."""
    return {file.stem: pydicom.dcmread(file) for file in results_of(path, **changes).write(out)}


def write_radiograph(path: Path, side: int = 64, **elements: Any) -> Path:
    """A file of a bright shaft on a dark ground, 12 bits in 16."""
    pixels = np.full((side, side), 300, np.uint16)
    pixels[:, side // 3 : side // 2] = 3000
    pixels[side // 4 : side // 3, side // 3 : side // 2] = 1500
    path.write_bytes(file_bytes(radiograph(pixels, bits=12, **elements)))
    return path
