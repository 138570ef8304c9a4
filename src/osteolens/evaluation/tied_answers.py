"""Answers that are alike for many images: ranks, thresholds and sets can then say little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.wording import counted

FEW_DIFFERENT = 10  # different answers, up to which ties decide the ranks of a table of more than twice as many images


def tied_answers(table: PredictionsTable) -> Iterator[str]:
    """Yield what a part of a table says in spite of ties: all answers alike, a class that never moves, few answers."""
    values, images = table.probabilities, len(table)
    if images < 2:
        return
    if (values == values[0]).all():
        yield (
            f"All answers are alike: each of the {images:,} images of the {table.splits[0]} part has the same "
            "probabilities, so every AUC is 0.5 and says nothing. Check that the answers were saved image by image."
        )
        return
    for k, name in enumerate(table.class_names):
        positives = int((table.labels == k).sum())
        if (values[:, k] != values[0, k]).any() or not 0 < positives < images:
            continue
        yield (
            f"Every image of the {table.splits[0]} part has the same probability of {name}, so its AUC is 0.5 and says "
            "nothing."
        )
    different = len(np.unique(values, axis=0))
    if different <= FEW_DIFFERENT and 2 * different < images:
        yield (
            f"The {images:,} images of the {table.splits[0]} part have {counted(different, 'different answer')}, so "
            "many are tied: a tie counts half in an AUC, and a threshold can lie between few answers only."
        )
