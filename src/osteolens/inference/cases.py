"""Pictures of a batch to one answer per case: views of one patient belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from osteolens.errors import DataError
from osteolens.evaluation.case_answer import CaseAnswer, answer_case
from osteolens.inference.answer import Answer
from osteolens.inference.reading import Failure
from osteolens.storage import read_table, write_json, write_table
from osteolens.wording import first_of

BY_FOLDER = "folders"
IMAGE, CASE = "image", "case"
RECORD, TABLE = "cases.json", "cases.csv"
_NAMED = 5  # pictures that an error names


@dataclass(frozen=True, slots=True)
class AnsweredCase:
    """What is said of one case.

    Attributes
    ----------
    images
        Its pictures that were answered, in the order of the batch.
    not_answered
        Its other pictures; why stands with the answers of the batch.
    answer
        See :func:`osteolens.evaluation.case_answer.answer_case`; None where no picture was answered.
    """

    case: str
    images: tuple[str, ...]
    not_answered: tuple[str, ...]
    answer: CaseAnswer | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        told = None if self.answer is None else self.answer.to_dict()
        return {
            "case": self.case,
            "images": list(self.images),
            "not_answered": list(self.not_answered),
            "answer": told,
        }


def cases_of(grouping: str, names: Sequence[str]) -> dict[str, str]:
    """Return the case of each picture.

    Parameters
    ----------
    grouping
        :data:`BY_FOLDER`: pictures of one folder are one case, those beside all folders one each. Else a CSV with the
        columns ``image``, named as in the results, and ``case``.
    names
        Of all pictures of the batch.

    Raises
    ------
    DataError
        The table cannot be read, lacks a column or a picture, or tells two cases of one.
    """
    if grouping == BY_FOLDER:
        folders = {name: PurePosixPath(name).parent.as_posix() for name in names}
        return {name: name if folder == "." else folder for name, folder in folders.items()}
    table = read_table(Path(grouping))
    if missing := [column for column in (IMAGE, CASE) if column not in table]:
        raise DataError(f"{grouping} has no column {' and no column '.join(missing)}. It needs image and case.")
    pairs = table[[IMAGE, CASE]].drop_duplicates()
    if twice := sorted(set(pairs[IMAGE][pairs[IMAGE].duplicated()])):
        raise DataError(
            f"{grouping} tells more than one case of {first_of(twice, _NAMED)}. Leave one row for each picture."
        )
    known = dict(zip(pairs[IMAGE], pairs[CASE], strict=True))
    if unknown := [name for name in names if not known.get(name)]:
        named = first_of(unknown, _NAMED)
        raise DataError(
            f"{grouping} tells no case of {named}. Its column image names pictures as predictions.csv does, "
            "below the folder that all have in common. Add the rows, or leave the pictures out."
        )
    return {name: known[name] for name in names}


def answer_cases(
    answers: Iterable[Answer], failures: Iterable[Failure], case_of: Mapping[str, str], class_names: Sequence[str]
) -> list[AnsweredCase]:
    """Return one answer per case, in the order of their names; of the calibrated probabilities where they are known."""
    views: dict[str, list[Answer]] = {}
    others: dict[str, list[str]] = {}
    for answer in answers:
        views.setdefault(case_of[answer.image], []).append(answer)
    for failure in failures:
        others.setdefault(case_of[failure.image], []).append(failure.image)
    return [
        AnsweredCase(
            case=case,
            images=tuple(answer.image for answer in views.get(case, [])),
            not_answered=tuple(others.get(case, [])),
            answer=_pooled(views[case], class_names) if case in views else None,
        )
        for case in sorted({*views, *others})
    ]


def write_cases(out: Path, cases: Sequence[AnsweredCase], class_names: Sequence[str]) -> None:
    """Write ``cases.json`` and ``cases.csv``."""
    write_json(out / RECORD, {"cases": [case.to_dict() for case in cases]})
    columns = [CASE, "label", *(f"prob_{name}" for name in class_names), "views", "agrees", "divergence_bits"]
    write_table(out / TABLE, pd.DataFrame([_row(case) for case in cases], columns=[*columns, "images", "not_answered"]))


def _row(case: AnsweredCase) -> dict[str, Any]:
    row: dict[str, Any] = {CASE: case.case, "views": len(case.images)}
    row |= {"images": "|".join(case.images), "not_answered": "|".join(case.not_answered)}
    if (answer := case.answer) is not None:
        row |= {"label": answer.label, "agrees": answer.agrees, "divergence_bits": answer.divergence}
        row |= {f"prob_{name}": round(value, 6) for name, value in answer.probabilities.items()}
    return row


def _pooled(views: Sequence[Answer], class_names: Sequence[str]) -> CaseAnswer:
    rows = [[view.best_probabilities[name] for name in class_names] for view in views]
    return answer_case(np.array(rows), class_names)
