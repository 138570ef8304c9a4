"""Files to answers, part by part: what one process does, whoever gives it the parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.inference.maps import MappedPicture, draw_each, lay, map_batch, write_png
from osteolens.inference.outcome import Outcome
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import Failure, InputBatch, NamedFile, read_ahead
from osteolens.progress import track

OVERLAYS = "overlays"  # folder of the pictures
Part = Sequence[NamedFile]


class Answering(Protocol):
    """Makes the outcomes of parts, in their order; each part has those of its files in theirs."""

    def __call__(
        self, parts: Sequence[Part], out: Path, explanation: ExplanationOptions | None
    ) -> Iterator[list[Outcome]]:
        """Yield a list per part."""


def overlay_name(image: str) -> str:
    """Return the file of a picture's overlay, below the folder of the results."""
    return f"{OVERLAYS}/{image}.png"


def answer_parts(
    predictor: Predictor,
    parts: Sequence[Part],
    out: Path,
    explanation: ExplanationOptions | None,
    *,
    workers: int = 0,
) -> Iterator[list[Outcome]]:
    """Answer for every file in this process, see :class:`Answering`.

    No batch of the network reaches over the end of a part, so that a part is the same whatever was done before it.

    Parameters
    ----------
    out
        Where overlays are written.
    explanation
        How the maps of the overlays are made; None for no overlays.
    workers
        See :func:`osteolens.inference.work_ahead.work_ahead`.
    """
    network = predictor.network
    size = network.batch_size
    batches = [part[start : start + size] for part in parts for start in range(0, len(part), size)]
    read = read_ahead(batches, network.record, accept=predictor.accept, workers=workers)
    tracked = zip(batches, track(read, f"answering, batches of {size}", total=len(batches)), strict=True)
    for part in parts:
        own = islice(tracked, math.ceil(len(part) / size))
        yield [outcome for files, batch in own for outcome in _answer(predictor, files, batch, out, explanation)]


def _answer(
    predictor: Predictor,
    files: Sequence[NamedFile],
    batch: InputBatch,
    out: Path,
    explanation: ExplanationOptions | None,
) -> list[Outcome]:
    """Return what became of each file of a batch."""
    served = predictor.serve(batch)
    failures, zero_maps = list(served.batch.failures), set()
    if explanation is not None:
        mapped = map_batch(predictor.network, served.batch, served.answers, explanation)
        failures += _draw_all(predictor, mapped, out)
        zero_maps = {picture.answer.image for picture in mapped if picture.without_evidence}
    results = {answer.image: answer for answer in served.answers} | {failure.image: failure for failure in failures}
    return [Outcome(results[name], name in zero_maps) for _, name in files]


def _draw_all(predictor: Predictor, mapped: Sequence[MappedPicture], out: Path) -> list[Failure]:
    def draw(picture: MappedPicture, grey: NDArray[np.uint8]) -> None:
        laid = lay(grey, picture.maps[0], predictor.network.record)
        write_png(out / overlay_name(picture.answer.image), laid.coloured)

    return draw_each(mapped, draw)
