"""Whether the numbers of anybody's predictions table are probabilities.

Nothing is rescaled unasked, since a percentage or a logit taken for something else gives wrong figures without a sign.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.foreign_table import PROBABILITIES_NEEDED, unread_classes
from osteolens.evaluation.predictions import EXACT_SUM, ROWS_NAMED, SUM_TOLERANCE
from osteolens.wording import counted

# three classes rounded to two decimals sum to 0.985 to 1.015; a class that is missing takes away more than this
RENORMALISE_TOLERANCE = 0.05
_PERCENT_TOLERANCE = 1.0  # percentages printed without decimals sum to 99 to 101


def read_probabilities(
    cells: pd.DataFrame, columns: Mapping[str, str], labels: Container[str], *, renormalise: bool = False
) -> NDArray[np.float64]:
    """Return [N, K] probabilities in the order of `columns`; a decimal comma is read as a point.

    Parameters
    ----------
    cells
        The table as text, indexed by image.
    columns
        Class to heading.
    labels
        All that any image is labelled; a class that is none of them is the first suspect where numbers are refused.
    renormalise
        Let rows sum to 1 within :data:`RENORMALISE_TOLERANCE`; they come back as they are, to be divided by
        :func:`divided_by_sum`.

    Raises
    ------
    EvaluationError
        A cell is no finite number, or the numbers are no probabilities of exclusive classes: percentages, logits,
        log-probabilities, hard answers, or rows that do not sum to 1. The message says what was found, in which
        columns, and how to convert it.
    """
    text: pd.DataFrame = cells[list(columns.values())]
    if text.apply(lambda column: column.str.endswith("%")).any(axis=None):
        raise EvaluationError("the cells bear percent signs. Save fractions instead: 0.93 for 93%.")
    values = np.array([[_number(cell) for cell in row] for row in text.to_numpy()], dtype=np.float64)
    if (strange := np.argwhere(~np.isfinite(values))).size:
        told = [f"{text.iloc[row, k]!r} in {text.columns[k]} of {text.index[row]}" for row, k in strange[:ROWS_NAMED]]
        more = f" and {len(strange) - ROWS_NAMED} more" if len(strange) > ROWS_NAMED else ""
        raise EvaluationError(
            f"{', '.join(told)}{more}: no finite number. Fill in the probability, or mend the export."
        )
    if problem := _other_scale(values, text, renormalise=renormalise):
        unread = unread_classes(cells.columns, columns)
        hint = f" Not read as classes: {', '.join(unread)}; name all classes with -o class_names=[...]."
        raise EvaluationError(f"{problem} {_as_read(columns, labels)}{hint if unread else ''}")
    return values


def _as_read(columns: Mapping[str, str], labels: Container[str]) -> str:
    """Return which columns were taken for which numbers, first those of classes that no image is labelled as."""
    doubtful = [f"{heading} (no image is labelled {name})" for name, heading in columns.items() if name not in labels]
    return f"Read as classes: {', '.join([*doubtful, *(columns[name] for name in columns if name in labels)])}."


def divided_by_sum(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return [N, K] rows divided by their sums where these are further from 1 than a table may be, and [N] the sums."""
    sums = values.sum(axis=1)
    return np.where((np.abs(sums - 1) > SUM_TOLERANCE)[:, None], values / sums[:, None], values), sums


def _number(cell: str) -> float:
    """Return a cell as Python reads it, which is exact; NaN where it holds no number."""
    try:
        return float(cell.replace(",", ".") if "." not in cell else cell)
    except ValueError:
        return float("nan")


def _other_scale(values: NDArray[np.float64], text: pd.DataFrame, *, renormalise: bool) -> str | None:
    """Return what the numbers are instead of probabilities, None where they are."""
    low, high, sums = values.min(), values.max(), values.sum(axis=1)
    found = f"the numbers run from {low:g} to {high:g}"
    if low >= 0 and high <= 1:
        return _unlike_one(values, sums, text, renormalise=renormalise)
    if low >= 0 and np.abs(sums - 100).max() <= _PERCENT_TOLERANCE:
        return f"{found} and the rows sum to 100: percentages. Divide them by 100, with all their digits."
    if high <= 0 and np.abs(np.exp(values).sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        return f"{found}: logarithms of probabilities. Save their exponentials."
    if low < 0:
        return f"{found}: logits or other scores, no probabilities. Apply softmax to each row before saving."
    return f"{found}, and the rows sum to {sums.min():g} to {sums.max():g}: no probabilities. Save softmax outputs."


def _unlike_one(
    values: NDArray[np.float64], sums: NDArray[np.float64], text: pd.DataFrame, *, renormalise: bool
) -> str | None:
    """Return what is wrong with numbers that all lie in 0 to 1."""
    off = np.abs(sums - 1) > (RENORMALISE_TOLERANCE if renormalise else SUM_TOLERANCE) + EXACT_SUM
    if off.any():
        what = (
            f"the probabilities of {counted(int(off.sum()), 'image')} sum to {sums[off].min():.4g} to "
            f"{sums[off].max():.4g} instead of 1 ({named(text.index[off])})."
        )
        return f"{what} {_advice(sums)}"
    if np.isin(values, (0, 1)).all():
        return "every number is 0 or 1: answers or labels. " + PROBABILITIES_NEEDED.format(
            columns=", ".join(text.columns)
        )
    return None


def _advice(sums: NDArray[np.float64]) -> str:
    """Return what to do about rows that do not sum to 1."""
    if np.abs(sums - 1).max() <= RENORMALISE_TOLERANCE + EXACT_SUM:
        return (
            "If they are rounded, save more digits; where there are no more, --renormalise divides each row by its sum "
            "and notes it with the figures."
        )
    return (
        f"Sums further from 1 than {RENORMALISE_TOLERANCE:g} are not from rounding: if a class is missing, add its "
        "column; if they are answers of separate yes/no models, the classes are not exclusive and cannot be evaluated "
        "as such."
    )
