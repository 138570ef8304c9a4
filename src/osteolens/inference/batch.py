"""A file or a folder of radiographs to a table of answers; what cannot be answered is listed, the rest is served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.inference.answer import Answer
from osteolens.inference.batch_record import batch_record
from osteolens.inference.maps import MappedPicture, draw_each, lay, map_batch, warn_of_no_evidence, write_png
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import Failure, read_batches
from osteolens.storage import write_json, write_table

OVERLAYS = "overlays"  # folder of the pictures
JOINED = "|"  # between the classes of a set, and between gates


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Answers and refusals of a batch.

    Attributes
    ----------
    answers
        One per picture that was answered, in the order of the paths.
    failures
        The pictures that were not, and why.
    has_overlays
        Whether each answer has an overlay, see :func:`overlay_name`.
    """

    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...]
    has_overlays: bool

    def to_dict(self, predictor: Predictor) -> dict[str, Any]:
        """Return the content of ``predictions.json``, see docs/inference.md."""
        overlays = [overlay_name(answer.image) if self.has_overlays else None for answer in self.answers]
        rows = zip(self.answers, overlays, strict=True)
        predictions = [answer.to_dict() | {"overlay": overlay} for answer, overlay in rows]
        return batch_record(predictor, self.failures, predictions=predictions)

    def to_table(self) -> pd.DataFrame:
        """Return the content of ``predictions.csv``, see docs/inference.md."""
        return pd.DataFrame([_row(answer) for answer in self.answers])


def overlay_name(image: str) -> str:
    """Return the file of a picture's overlay, below the folder of the results."""
    return f"{OVERLAYS}/{image}.png"


def infer(
    predictor: Predictor, paths: Sequence[Path], out: Path, *, explanation: ExplanationOptions | None = None
) -> BatchResult:
    """Answer for every path and write ``predictions.csv``, ``predictions.json`` and, if asked for, overlays.

    Parameters
    ----------
    explanation
        Write ``overlays/<name>.png`` with the map of the answered class, at the picture's own size, made so.
    """
    network = predictor.network
    answers: list[Answer] = []
    failures: list[Failure] = []
    mapped: list[MappedPicture] = []

    def draw(picture: MappedPicture, grey: NDArray[np.uint8]) -> None:
        laid = lay(grey, picture.maps[0], network.record)
        write_png(out / overlay_name(picture.answer.image), laid.coloured)

    for batch in read_batches(paths, network.record, network.batch_size, "answering", accept=predictor.accept):
        served, gone = predictor.serve(batch), []
        if explanation is not None:
            made = map_batch(network, served.batch, served.answers, explanation)
            gone = draw_each(made, draw)
            mapped += made
        failures += [*served.batch.failures, *gone]
        answers += [answer for answer in served.answers if answer.image not in {failure.image for failure in gone}]
    warn_of_no_evidence(mapped)
    result = BatchResult(tuple(answers), tuple(failures), explanation is not None)
    write_json(out / "predictions.json", result.to_dict(predictor))
    write_table(out / "predictions.csv", result.to_table())
    return result


def _row(answer: Answer) -> dict[str, Any]:
    """Return a line of ``predictions.csv``; what is not known has no cell in any line of a batch."""
    row: dict[str, Any] = {"image": answer.image, "label": answer.label}
    row |= {f"prob_{name}": round(value, 6) for name, value in answer.probabilities.items()}
    if (decision := answer.decision) is not None:
        row |= {f"calibrated_{name}": round(value, 6) for name, value in (decision.calibrated or {}).items()}
        row |= {} if decision.conformal_set is None else {"conformal_set": JOINED.join(decision.conformal_set)}
        row |= {f"{call.question}, {call.point}": call.positive for call in decision.calls}
    if (novelty := answer.novelty) is not None:
        row |= {"distance": round(novelty.score, 3), "distance_limit": round(novelty.threshold, 3)}
        row |= {"is_novel": novelty.is_novel}
    return row | {"accepted": JOINED.join(objection.gate for objection in answer.accepted)}
