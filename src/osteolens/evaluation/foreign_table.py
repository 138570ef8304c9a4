"""What the columns of anybody's predictions table mean, and whether its numbers are probabilities.

Headings may be spelled in several ways; numbers may not: nothing is rescaled, since a percentage or a logit taken for
something else gives wrong figures without a sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.domain import Column, SplitName
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.predictions import ROWS_NAMED, SUM_TOLERANCE

# All spellings are as `plain` writes them.
IMAGE_SPELLINGS = (
    *("image id", "imageid", "image", "image name", "image path", "path"),
    *("file", "filename", "file name", "filepath", "file path", "id", "name"),
)
# what stands before the name of the class; "": the heading is the class alone
CLASS_STYLES = ("prob", "probability", "p", "score", "pred", "")
PREDICTED_SPELLINGS = ("predicted", "prediction")
_HARD_ANSWERS = (
    *(*PREDICTED_SPELLINGS, "pred", "y pred", "predicted class", "predicted label"),
    *("prediction class", "pred class", "pred label"),
)
FACT_SPELLINGS: dict[str, tuple[str, ...]] = {
    Column.LABEL: ("label", "true label", "y true"),
    Column.SPLIT: ("split", "part", "subset"),
    Column.CASE: ("case id",),
    Column.PREDICTED: PREDICTED_SPELLINGS,
    **{name: (name,) for name in (Column.CENTER, Column.SOURCE)},
    **{name: (name,) for name in ("age", "gender", "site", "subtype", "region", "view")},
}
PART_SPELLINGS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}

_PERCENT_TOLERANCE = 1.0  # percentages printed without decimals sum to 99 to 101
_NEEDED = (
    "Probabilities are needed, since AUC, calibration, thresholds and decision curves rest on how sure the model is; "
    "save one column per class, such as {columns}."
)


def plain(text: str) -> str:
    """Return a heading, class or part in lower case, with single blanks for underscores, hyphens and blanks."""
    return re.sub(r"[\s_\-]+", " ", text).strip().lower()


def image_column(headings: Iterable[str]) -> str:
    """Return the heading of the image's name; ``image_id`` counts before any other spelling.

    Raises
    ------
    EvaluationError
        There is none, several could be meant, or two headings are spelled alike.
    """
    by_plain = _by_plain(headings)
    found = [by_plain[spelling] for spelling in IMAGE_SPELLINGS if spelling in by_plain]
    if "image id" in by_plain or len(found) == 1:
        return found[0]
    if not found:
        raise EvaluationError(
            f"no column names the image: there are {', '.join(by_plain.values())}. Call it {Column.IMAGE_ID}."
        )
    raise EvaluationError(f"the columns {' and '.join(found)} could each name the image. Call one {Column.IMAGE_ID}.")


def fact_columns(headings: Iterable[str]) -> dict[str, str]:
    """Return, for each column of :data:`FACT_SPELLINGS` that is there, its heading.

    Raises
    ------
    EvaluationError
        Several headings could be meant, or two are spelled alike.
    """
    by_plain = _by_plain(headings)
    chosen = {}
    for name, spellings in FACT_SPELLINGS.items():
        found = [by_plain[spelling] for spelling in spellings if spelling in by_plain]
        if len(found) > 1:
            raise EvaluationError(f"the columns {' and '.join(found)} could each be the {name}. Keep one of them.")
        if found:
            chosen[name] = found[0]
    return chosen


def known_classes(class_names: Sequence[str], labels: Iterable[str]) -> dict[str, str]:
    """Return plain spelling to class: the configured classes in their order, then other labels by name."""
    known = {plain(name): name for name in class_names}
    for label in sorted(set(labels)):
        known.setdefault(plain(label), label)
    return known


def class_columns(headings: Iterable[str], known: Mapping[str, str], labels: Iterable[str]) -> dict[str, str]:
    """Return class to heading, in the order of `known` where it has all of them, else in the order of the table.

    Parameters
    ----------
    known
        What :func:`known_classes` returns. Other columns ``prob_<class>`` are classes too.
    labels
        True classes that occur; each must have a column.

    Raises
    ------
    EvaluationError
        A class has no column, the table has answers without probabilities, or two sets of columns could be meant.
    """
    by_plain, needed = _by_plain(headings), sorted(set(labels))
    styles = {style: _of_style(by_plain, style, known) for style in CLASS_STYLES}
    whole = [found for found in styles.values() if set(needed) <= set(found) and len(found) >= 2]
    if not whole:
        raise EvaluationError(_no_classes(by_plain, styles, needed))
    if len(whole) > 1:
        raise EvaluationError(
            f"the probabilities could be in {', '.join(whole[0].values())} or in {', '.join(whole[1].values())}. "
            "Keep one set of them."
        )
    chosen = whole[0]
    if set(chosen) <= set(known.values()):
        return {name: chosen[name] for name in known.values() if name in chosen}
    return {name: heading for heading in by_plain.values() for name, own in chosen.items() if own == heading}


def read_probabilities(cells: pd.DataFrame, columns: Mapping[str, str]) -> NDArray[np.float64]:
    """Return [N, K] probabilities in the order of `columns`; a decimal comma is read as a point.

    Parameters
    ----------
    cells
        The table as text, indexed by image.
    columns
        Class to heading.

    Raises
    ------
    EvaluationError
        A cell is no finite number, or the numbers are no probabilities of exclusive classes: percentages, logits,
        log-probabilities, hard answers, or rows that do not sum to 1. The message says what was found and how to
        convert it.
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
    if problem := _other_scale(values, text):
        unread = [name for name in cells.columns if _looks_like_class(name) and name not in set(columns.values())]
        hint = f" Not read as classes: {', '.join(unread)}; name all classes with -o class_names=[...]."
        raise EvaluationError(problem + (hint if unread else ""))
    return values


def read_parts(cells: pd.Series[str]) -> pd.Series[str]:
    """Return train, val or test for each image; a table whose only part bears another name is test.

    Parameters
    ----------
    cells
        The column as text, indexed by image.

    Raises
    ------
    EvaluationError
        A cell is empty or an unknown part.
    """
    spelled = cells.map(plain)
    if (empty := spelled == "").any():
        raise EvaluationError(
            f"{int(empty.sum())} image(s) have no part in {cells.name} ({named(cells.index[empty])}). Fill it "
            "in, or leave the column out."
        )
    unknown = sorted(set(spelled) - set(PART_SPELLINGS))
    if unknown and len(set(spelled)) > 1:
        raise EvaluationError(f"{cells.name} has the part(s) {', '.join(unknown)}; use train, val and test.")
    return spelled.map({**PART_SPELLINGS, **dict.fromkeys(unknown, "test")})


def _by_plain(headings: Iterable[str]) -> dict[str, str]:
    by_plain: dict[str, str] = {}
    for heading in headings:
        if (key := plain(heading)) in by_plain:
            raise EvaluationError(f"the columns {by_plain[key]} and {heading} are spelled alike. Keep one of them.")
        by_plain[key] = heading
    return by_plain


def _of_style(by_plain: Mapping[str, str], style: str, known: Mapping[str, str]) -> dict[str, str]:
    found = {
        name: by_plain[key] for spelled, name in known.items() if (key := f"{style} {spelled}".strip()) in by_plain
    }
    if style != "prob":  # the prefix of this project means a class whatever follows it
        return found
    further = {heading: plain(heading).removeprefix("prob ") for key, heading in by_plain.items() if key[:5] == "prob "}
    return found | {heading[5:].strip(): heading for heading, spelled in further.items() if spelled not in known}


def _no_classes(by_plain: Mapping[str, str], styles: Mapping[str, Mapping[str, str]], needed: list[str]) -> str:
    """Return why no set of columns will do."""
    columns = ", ".join(f"{Column.PROBABILITY_PREFIX}{name}" for name in needed)
    best = max(styles.values(), key=len)
    if best:
        missing = [name for name in needed if name not in best] or ["a second class"]
        told = f"there is no probability of {', '.join(missing)}; found {', '.join(best.values())}. Add the column"
        if len(needed) <= 2 and len(best) == 1:
            told += f": with two classes and one output it is 1 - {next(iter(best.values()))}"
        return f"{told}."
    if hard := [by_plain[name] for name in _HARD_ANSWERS if name in by_plain]:
        return f"{hard[0]} holds the answers alone. " + _NEEDED.format(columns=columns)
    return f"no column holds probabilities: there are {', '.join(by_plain.values())}. Save {columns}."


def _looks_like_class(heading: str) -> bool:
    style, _, name = plain(heading).partition(" ")
    return bool(name) and style in CLASS_STYLES


def _number(cell: str) -> float:
    """Return a cell as Python reads it, which is exact; NaN where it holds no number."""
    try:
        return float(cell.replace(",", ".") if "." not in cell else cell)
    except ValueError:
        return float("nan")


def _other_scale(values: NDArray[np.float64], text: pd.DataFrame) -> str | None:
    """Return what the numbers are instead of probabilities, None where they are."""
    low, high, sums = values.min(), values.max(), values.sum(axis=1)
    found = f"the numbers run from {low:g} to {high:g}"
    if low >= 0 and high <= 1:
        return _unlike_one(values, sums, text)
    if low >= 0 and np.abs(sums - 100).max() <= _PERCENT_TOLERANCE:
        return f"{found} and the rows sum to 100: percentages. Divide them by 100, with all their digits."
    if high <= 0 and np.abs(np.exp(values).sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        return f"{found}: logarithms of probabilities. Save their exponentials."
    if low < 0:
        return f"{found}: logits or other scores, no probabilities. Apply softmax to each row before saving."
    return f"{found}, and the rows sum to {sums.min():g} to {sums.max():g}: no probabilities. Save softmax outputs."


def _unlike_one(values: NDArray[np.float64], sums: NDArray[np.float64], text: pd.DataFrame) -> str | None:
    """Return what is wrong with numbers that all lie in 0 to 1."""
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        return (
            f"the probabilities of {int(off.sum())} image(s) sum to {sums[off].min():.4g} to {sums[off].max():.4g} "
            f"instead of 1 ({named(text.index[off])}). If they are rounded, save more digits; if they are "
            "answers of separate yes/no models, the classes are not exclusive and cannot be evaluated as such."
        )
    if np.isin(values, (0, 1)).all():
        return "every number is 0 or 1: answers or labels. " + _NEEDED.format(columns=", ".join(text.columns))
    return None
