"""A file or a folder of radiographs to a table of answers; what cannot be read is listed, the rest is served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Prediction
from osteolens.inference.answering import Answering
from osteolens.inference.batch_record import batch_record
from osteolens.inference.maps import MappedPicture, draw_each, lay, map_batch, warn_of_no_evidence, write_png
from osteolens.inference.reading import Failure, read_batches
from osteolens.storage import write_json, write_table


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
    failures: tuple[Failure, ...]

    def to_dict(self, predictor: Answering) -> dict[str, Any]:
        """Return the content of ``predictions.json``."""
        predictions = [
            {"image": answer.image, "label": answer.label, "probabilities": answer.probabilities}
            | ({} if answer.decision is None else {"decision": answer.decision.to_dict()})
            for answer in self.predictions
        ]
        return batch_record(predictor, self.failures, predictions=predictions)

    def to_table(self) -> pd.DataFrame:
        """Return the content of ``predictions.csv``: image, label, one probability column per class."""
        return pd.DataFrame(
            [
                {"image": answer.image, "label": answer.label}
                | {f"prob_{name}": round(value, 6) for name, value in answer.probabilities.items()}
                for answer in self.predictions
            ]
        )


def infer(
    predictor: Answering, paths: Sequence[Path], out: Path, *, explanation: ExplanationOptions | None = None
) -> BatchResult:
    """Answer for every path and write ``predictions.csv``, ``predictions.json`` and, if asked for, overlays.

    Parameters
    ----------
    explanation
        Write ``overlays/<name>.png`` with the map of the answered class, at the picture's own size, made so.
    """
    predictions: list[Prediction] = []
    failures: list[Failure] = []
    mapped: list[MappedPicture] = []

    def draw(picture: MappedPicture, grey: NDArray[np.uint8]) -> None:
        laid = lay(grey, picture.maps[0], predictor.record)
        write_png(out / "overlays" / f"{picture.answer.image}.png", laid.coloured)

    for batch in read_batches(paths, predictor.record, predictor.batch_size, "answering"):
        answers = predictor.answers(batch)
        refused: list[Failure] = []
        if explanation is not None:
            made = map_batch(predictor, batch, answers, explanation)
            refused = draw_each(made, draw)
            mapped += made
        failures += [*batch.failures, *refused]
        predictions += [answer for answer in answers if answer.image not in dict(refused)]
    warn_of_no_evidence(mapped)
    result = BatchResult(tuple(predictions), tuple(failures))
    write_json(out / "predictions.json", result.to_dict(predictor))
    write_table(out / "predictions.csv", result.to_table())
    return result
