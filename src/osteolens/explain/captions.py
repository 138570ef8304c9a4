"""What is told of a radiograph and of its maps beside the pictures, in galleries, panels and tables alike."""

from __future__ import annotations

from typing import Any

import pandas as pd

from osteolens.domain import NORMAL, Column
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.wording import capital

TOLD = (Column.CASE, Column.SOURCE, Column.CENTER, "subtype")  # columns of the table that may be missing or empty
ANSWERED = (Column.IMAGE_ID, "truth", "answer", "probability", "truth_probability", *TOLD)  # known of every image
NO_LESION = (
    f"{NORMAL} means that no lesion is there: its maps locate nothing, and a network guided by outlines is trained to "
    "spread them evenly over the body."
)
INPUT_AREA = "the network's input, padding included"


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
        "truth_probability": float(table.probabilities[row, table.labels[row]]),
        **{name: record.get(name, "") for name in TOLD},
        "annotated": area_share is not None,
        "area_share": area_share,
    }


def answer_line(facts: dict[str, Any]) -> str:
    """Return truth, answer and the answer's probability, with that of the truth where the answer is wrong."""
    truth, answer = facts["truth"], facts["answer"]
    told = f"answered {answer}, probability {facts['probability']:.3f}"
    if truth == answer:
        return f"{truth}, rightly {told}"
    return f"{truth}, wrongly {told} (of {truth} {facts['truth_probability']:.3f})"


def origin_line(facts: dict[str, Any]) -> str:
    """Return source, center, subtype and the size of the lesion, as far as they are known."""
    center = f"center {facts[Column.CENTER]}" if facts[Column.CENTER] else ""
    size = f"lesion {facts['area_share']:.2%} of {INPUT_AREA}" if facts["annotated"] else "no lesion outlined"
    return ", ".join(part for part in (facts[Column.SOURCE], center, facts["subtype"], size) if part)


def map_caption(shows: str, class_name: str | None, probability: float | None, *, zero: bool) -> str:
    """Return what stands beside a map.

    Parameters
    ----------
    shows
        What it shows, in words; empty where that is told elsewhere.
    class_name, probability
        The class of the map and its probability, 0 to 1; None for a map of no class.
    zero
        Whether the map is 0 everywhere.
    """
    told = [] if class_name is None else [f"probability {probability:.3f}"]
    if zero:
        told.append("the map is 0 everywhere")
    elif class_name == NORMAL:
        told.append("locates nothing")
    return ": ".join(filter(None, (capital(shows), "; ".join(told))))
