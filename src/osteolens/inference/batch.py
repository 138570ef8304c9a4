"""Any number of radiographs to a table of answers; what cannot be answered is listed, the rest is served.

Files are answered in parts of fixed size, each written whole as soon as it is done. A call that is ended at any moment
goes on after the last whole part when it is repeated, and ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.data.leftovers import sweep
from osteolens.inference.answer import Answer
from osteolens.inference.answering import OVERLAYS, Answering, answer_parts, overlay_name
from osteolens.inference.batch_record import batch_record
from osteolens.inference.joining import write_record, write_rows
from osteolens.inference.maps import tell_of_no_evidence
from osteolens.inference.outcome import Outcome
from osteolens.inference.parts import PartFolder
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import Failure, NamedFile, name_files
from osteolens.storage import exclusive, fingerprint, read_json

RECORD = "predictions.json"
TABLE = "predictions.csv"
_PARTS = "parts"
_LOCK = ".infer.lock"


@dataclass(frozen=True)  # without slots, so that what is read of the record is kept
class BatchResult:
    """Where the results of a batch lie.

    Attributes
    ----------
    out
        The folder.
    answered, refused
        Number of pictures with and without an answer.
    """

    out: Path
    answered: int
    refused: int

    @property
    def record(self) -> Path:
        """The file with all of them, see docs/inference.md."""
        return self.out / RECORD

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The answers in the order of the paths, read from the record."""
        return tuple(map(Answer.from_dict, self._read["predictions"]))

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """The pictures without an answer and why, read from the record."""
        return tuple(Failure(**values) for values in self._read["failures"])

    @cached_property
    def _read(self) -> dict[str, Any]:
        return dict(read_json(self.record))


def infer(
    predictor: Predictor,
    paths: Sequence[Path],
    out: Path,
    *,
    explanation: ExplanationOptions | None = None,
    options: InferenceOptions | None = None,
    fresh: bool = False,
    answering: Answering | None = None,
) -> BatchResult:
    """Answer for every path and write ``predictions.csv``, ``predictions.json`` and, if asked for, overlays.

    Parameters
    ----------
    explanation
        Write ``overlays/<name>.png`` with the map of the answered class, at the picture's own size, made so.
    options
        Size of the parts and number of processes that read.
    fresh
        Throw away what an earlier call left unfinished in `out`.
    answering
        Who answers; by default this process, see :func:`osteolens.inference.answering.answer_parts`.

    Raises
    ------
    StorageError
        `out` is in use, or holds an unfinished batch of other pictures or made with something else.
    """
    options = options or InferenceOptions()
    answering = answering or partial(answer_parts, predictor, workers=options.workers)
    files, size = name_files(paths), options.part_size
    parts = [files[start : start + size] for start in range(0, len(files), size)]
    folder = PartFolder(out / _PARTS, len(parts))
    busy = f"{out} is in use by another process. Wait for it to end, or give another folder with --out."
    with exclusive(out, out / _LOCK, busy):
        made_with = _made_with(predictor, files, explanation, options)
        folder.open(made_with, fresh=fresh)
        missing = folder.missing
        _sweep(out, [name for number in missing for _, name in parts[number]])
        made = answering([parts[number] for number in missing], out, explanation)
        for number, outcomes in zip(missing, made, strict=True):
            folder.write(number, outcomes)
        result = _join(predictor, folder, out, has_overlays=explanation is not None)
        folder.clear()
    return result


def _made_with(
    predictor: Predictor, files: Sequence[NamedFile], explanation: ExplanationOptions | None, options: InferenceOptions
) -> dict[str, Any]:
    """Return what the bytes of the results depend on, by the words that tell of a difference."""
    network = predictor.network
    head = batch_record(predictor, ())
    blank = np.zeros((1, network.record.size, network.record.size), np.uint8)
    novelty = network.judge(blank).novelty
    decisions = None if network.decisions is None else network.decisions.to_dict()
    limits = None if novelty is None else [novelty[0].threshold, novelty[0].refused]
    return {
        "the version of osteolens": head.pop("version"),
        "--accept": head.pop("accept"),
        "the model": fingerprint([head, network.batch_size, decisions, limits]),
        "--gradcam or explanation.*": None if explanation is None else fingerprint(explanation.model_dump(mode="json")),
        "inference.part_size": options.part_size,
        "the pictures": fingerprint([[str(path), str(path.absolute()), name] for path, name in files]),
    }


def _join(predictor: Predictor, folder: PartFolder, out: Path, *, has_overlays: bool) -> BatchResult:
    write_record(out / RECORD, batch_record(predictor, (), predictions=[]), folder.outcomes, has_overlays=has_overlays)
    write_rows(out / TABLE, folder.outcomes)
    answered, total = 0, 0
    zero_maps: list[str] = []
    for outcome in folder.outcomes():
        total += 1
        answered += isinstance(outcome.result, Answer)
        zero_maps += _zero_map(outcome)
    tell_of_no_evidence(zero_maps, answered)
    return BatchResult(out, answered, total - answered)


def _zero_map(outcome: Outcome) -> Iterator[str]:
    if outcome.zero_map and isinstance(outcome.result, Answer):
        yield f"{outcome.result.image} ({outcome.result.label})"


def _sweep(out: Path, images: Sequence[str]) -> None:
    """Remove what a kill left half written: results, and overlays in the folders that are written to again."""
    for name in (RECORD, TABLE):
        sweep(out, name, claim_time=0)
    for folder in {(out / overlay_name(image)).parent for image in images}:
        if (out / OVERLAYS).is_dir() and folder.is_dir():
            sweep(folder, "*.png.", claim_time=0)
