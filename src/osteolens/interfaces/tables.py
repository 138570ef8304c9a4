"""Answers as text for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import osteolens

if TYPE_CHECKING:  # both bring torch, which a leakcheck does not need
    from osteolens.inference.batch import BatchResult
    from osteolens.inference.predictor import Predictor


def leakage_table(result: dict[str, Any]) -> str:
    """Return one line per part and class: images, images with a sibling in train, their share."""
    lines = [f"{'part':6}{'class':14}{'images':>8}{'shared':>8}{'share':>9}"]
    for part, entry in result["evaluation"].items():
        rows = {**entry["per_class"], **{name: entry[name] for name in ("tumours", "overall") if name in entry}}
        for name, share in rows.items():
            fraction = f"{share['shared_fraction']:.1%}"
            lines.append(f"{part:6}{name:14}{share['n']:>8}{share['shared']:>8}{fraction:>9}")
    return "\n".join(lines)


def answers_table(result: BatchResult, predictor: Predictor, out: Path) -> str:
    """Return one line per picture: answer, probabilities, name; then the refusals and where the files are."""
    width = max(len(name) for name in predictor.class_names)
    lines = [
        "  ".join([f"{'answer':{width}}", *(f"{name:>{max(9, len(name))}}" for name in predictor.class_names), "image"])
    ]
    for answer in result.predictions:
        values = [f"{answer.probabilities[name]:>{max(9, len(name))}.3f}" for name in predictor.class_names]
        lines.append("  ".join([f"{answer.label:{width}}", *values, answer.image]))
    lines += [f"not answered: {reason}" for _, reason in result.failures]
    lines.append(f"{len(result.predictions)} answered, {len(result.failures)} not; results in {out}")
    lines.append(osteolens.NOT_FOR_CLINICAL_USE)
    return "\n".join(lines)
