"""What is told of a radiograph beneath its picture, in galleries, panels and tables alike."""

from __future__ import annotations

from typing import Any

import pandas as pd

from osteolens.domain import Column
from osteolens.evaluation.predictions import PredictionsTable

TOLD = (Column.CASE, Column.SOURCE, Column.CENTER, "subtype")  # columns of the table that may be missing or empty
ANSWERED = (Column.IMAGE_ID, "truth", "answer", "probability", *TOLD)  # what is known of every image


def image_facts(table: PredictionsTable, row: int, area_share: float | None) -> dict[str, Any]:
    """Return what is known of an image.

    Parameters
    ----------
    area_share
        Share of the network's input that the lesion covers, 0 to 1; None where it is not annotated.
    """
    record: pd.Series[Any] = table.frame.iloc[row]
    return {
        Column.IMAGE_ID: record[Column.IMAGE_ID],
        "truth": record[Column.LABEL],
        "answer": record[Column.PREDICTED],
        "probability": float(table.probabilities[row].max()),
        **{name: record.get(name, "") for name in TOLD},
        "annotated": area_share is not None,
        "area_share": area_share,
    }


def answer_line(facts: dict[str, Any]) -> str:
    """Return truth, answer and the answer's probability."""
    verdict = "rightly" if facts["truth"] == facts["answer"] else "wrongly"
    return f"{facts['truth']}, {verdict} answered {facts['answer']}, probability {facts['probability']:.2f}"


def origin_line(facts: dict[str, Any]) -> str:
    """Return source, center, subtype and the size of the lesion, as far as they are known."""
    center = f"center {facts[Column.CENTER]}" if facts[Column.CENTER] else ""
    size = f"lesion {facts['area_share']:.2%} of the area" if facts["annotated"] else "no lesion outlined"
    return ", ".join(part for part in (facts[Column.SOURCE], center, facts["subtype"], size) if part)
