"""What the columns of anybody's predictions table mean; headings may be spelled in several ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from osteolens.domain import BTXRD_CLASSES, Column, SplitName
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.wording import counted

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
# what stands after "prob" without being a class: a number worked out of the probabilities, such as the largest one
_HELPER = re.compile(
    r"(of )?(the )?(predicted|prediction|pred|true|target|correct|max|maximum|min|minimum|mean|std|var|sum|total|top"
    r"|argmax|entropy|margin|confidence|threshold)( ?\d+)?( class| label| prob| probability| value| score)?"
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

PROBABILITIES_NEEDED = (
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


def are_stated(class_names: Sequence[str]) -> bool:
    """Tell whether somebody named the classes, which are then all there are, or whether they are the default ones."""
    return tuple(class_names) != BTXRD_CLASSES


def known_classes(class_names: Sequence[str], labels: Iterable[str]) -> dict[str, str]:
    """Return plain spelling to class: the configured classes in their order, then other labels by name.

    Raises
    ------
    EvaluationError
        The classes :func:`are_stated` and a label is none of them.
    """
    known = {plain(name): name for name in class_names}
    strange = sorted({label for label in labels if plain(label) not in known})
    if strange and are_stated(class_names):
        raise EvaluationError(
            f"the label(s) {', '.join(strange)} are none of the classes {', '.join(class_names)} that class_names "
            "names. Name all classes there, say what a label means (-o data.label_values={theirs: ours}), or leave "
            "class_names out: the classes are then those of the labels."
        )
    for label in strange:
        known.setdefault(plain(label), label)
    return known


def class_columns(
    headings: Iterable[str], known: Mapping[str, str], labels: Iterable[str], *, stated: bool = False
) -> dict[str, str]:
    """Return class to heading, in the order of `known` where it has all of them, else in the order of the table.

    Parameters
    ----------
    known
        What :func:`known_classes` returns.
    labels
        True classes that occur; each must have a column.
    stated
        Whether the known classes are all there are, and each must have a column; else other columns ``prob_<class>``
        are classes too, unless the name is that of a number about the answer, such as ``prob_max``.

    Raises
    ------
    EvaluationError
        A class has no column, the table has answers without probabilities, or two sets of columns could be meant.
    """
    by_plain, needed = _by_plain(headings), list(known.values()) if stated else sorted(set(labels))
    styles = {style: _of_style(by_plain, style, known, stated=stated) for style in CLASS_STYLES}
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
            f"{counted(int(empty.sum()), 'image has', 'images have')} no part in {cells.name} "
            f"({named(cells.index[empty])}). Fill it in, or leave the column out."
        )
    unknown = sorted(set(spelled) - set(PART_SPELLINGS))
    if unknown and len(set(spelled)) > 1:
        raise EvaluationError(f"{cells.name} has the part(s) {', '.join(unknown)}; use train, val and test.")
    return spelled.map({**PART_SPELLINGS, **dict.fromkeys(unknown, "test")})


def unread_classes(headings: Iterable[str], columns: Mapping[str, str]) -> list[str]:
    """Return the headings that are spelled as the probability of a class, but of none that was read.

    Parameters
    ----------
    columns
        What :func:`class_columns` returns.
    """
    return [name for name in headings if _looks_like_class(name) and name not in set(columns.values())]


def _by_plain(headings: Iterable[str]) -> dict[str, str]:
    by_plain: dict[str, str] = {}
    for heading in headings:
        if (key := plain(heading)) in by_plain:
            raise EvaluationError(f"the columns {by_plain[key]} and {heading} are spelled alike. Keep one of them.")
        by_plain[key] = heading
    return by_plain


def _of_style(by_plain: Mapping[str, str], style: str, known: Mapping[str, str], *, stated: bool) -> dict[str, str]:
    found = {
        name: by_plain[key] for spelled, name in known.items() if (key := f"{style} {spelled}".strip()) in by_plain
    }
    if style != "prob" or stated:  # the prefix of this project means a class whatever follows it
        return found
    further = {heading: key.removeprefix("prob ") for key, heading in by_plain.items() if key.startswith("prob ")}
    return found | {
        heading[5:].strip(): heading
        for heading, spelled in further.items()
        if spelled not in known and not _HELPER.fullmatch(spelled)
    }


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
        return f"{hard[0]} holds the answers alone. " + PROBABILITIES_NEEDED.format(columns=columns)
    return f"no column holds probabilities: there are {', '.join(by_plain.values())}. Save {columns}."


def _looks_like_class(heading: str) -> bool:
    spelled = plain(heading)
    style, _, name = spelled.partition(" ")
    return bool(name) and style in CLASS_STYLES and spelled not in _HARD_ANSWERS and not _HELPER.fullmatch(name)
