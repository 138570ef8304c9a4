"""Outcomes of a batch to ``predictions.json`` and ``predictions.csv``, one at a time, so that any number fits."""

from __future__ import annotations

import csv
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from osteolens.inference.answer import Answer
from osteolens.inference.answering import overlay_name
from osteolens.inference.outcome import Outcome
from osteolens.inference.reading import Failure
from osteolens.storage import atomic_writer, to_json

JOINED = "|"  # between the classes of a set, and between gates

Outcomes = Callable[[], Iterator[Outcome]]  # all of them, from the first, at each call


def write_record(path: Path, record: dict[str, Any], outcomes: Outcomes, *, has_overlays: bool) -> None:
    """Write `record` as JSON, its empty lists ``predictions`` and ``failures`` filled with the outcomes."""

    def answers() -> Iterator[dict[str, Any]]:
        for outcome in outcomes():
            if isinstance(outcome.result, Answer):
                overlay = overlay_name(outcome.result.image) if has_overlays else None
                yield outcome.result.to_dict() | {"overlay": overlay}

    failures = (outcome.to_dict()["failure"] for outcome in outcomes() if isinstance(outcome.result, Failure))
    head, between = to_json(record).split('"predictions": []')
    middle, tail = between.split('"failures": []')
    with atomic_writer(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{head}"predictions": ')
        _write_list(stream, answers())
        stream.write(f'{middle}"failures": ')
        _write_list(stream, failures)
        stream.write(tail)


def write_rows(path: Path, outcomes: Outcomes) -> None:
    """Write a line of CSV per answer; the first one gives the columns, since what is known is the same for all."""
    rows = (_row(outcome.result) for outcome in outcomes() if isinstance(outcome.result, Answer))
    with atomic_writer(path, "w", encoding="utf-8", newline="") as stream:
        first = next(rows, {})
        writer = csv.DictWriter(stream, list(first), lineterminator="\n")
        writer.writeheader()
        if first:
            writer.writerow(first)
        writer.writerows(rows)


def _write_list(stream: IO[str], items: Iterable[dict[str, Any]]) -> None:
    """Write a list as :func:`osteolens.storage.to_json` would at the second level."""
    separator = "[\n"
    for item in items:
        stream.write(separator + textwrap.indent(to_json(item).rstrip(), "    "))
        separator = ",\n"
    stream.write("[]" if separator == "[\n" else "\n  ]")


def _row(answer: Answer) -> dict[str, Any]:
    """Return a line of ``predictions.csv``; what is not known has no cell in any line of a batch."""
    row: dict[str, Any] = {"image": answer.image, "label": answer.label}
    row |= {f"prob_{name}": round(value, 6) for name, value in answer.probabilities.items()}
    if (decision := answer.decision) is not None:
        row |= {f"calibrated_{name}": round(value, 6) for name, value in (decision.calibrated or {}).items()}
        row |= {} if decision.conformal_set is None else {"conformal_set": JOINED.join(decision.conformal_set)}
        row |= {f"{call.question}, {call.point}": call.positive for call in decision.calls}
    if (novelty := answer.novelty) is not None:
        distance = round(novelty.score, 3) if math.isfinite(novelty.score) else None
        row |= {"distance": distance, "distance_limit": round(novelty.threshold, 3)}
        row |= {"is_novel": novelty.is_novel}
    return row | {"accepted": JOINED.join(objection.gate for objection in answer.accepted)}
