"""Answers for radiographs as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import osteolens
from osteolens.wording import counted

if TYPE_CHECKING:  # all bring torch
    from osteolens.inference.answer import Answer
    from osteolens.inference.batch import BatchResult
    from osteolens.inference.cases import AnsweredCase
    from osteolens.inference.predictor import Predictor

LISTED = 1000  # pictures at most that get a line each; a longer list is not read on a terminal
_NARROWEST = 9  # characters of a column of probabilities


def answers_table(result: BatchResult, predictor: Predictor) -> str:
    """Return one line per picture, what the marks mean, warnings, refusals, and where the files are.

    Of more than :data:`LISTED` pictures only their number and the place of the files is told.
    """
    few = result.answered + result.refused <= LISTED
    return "\n".join(
        [
            *(_lines(result, predictor) if few else ()),
            f"{result.answered} answered, {result.refused} not; results in {result.out}",
            osteolens.NOT_FOR_CLINICAL_USE,
        ]
    )


def cases_table(cases: Sequence[AnsweredCase], class_names: Sequence[str]) -> str:
    """Return two lines per case: its answer, and how far its views disagree."""
    wide = max(map(len, class_names))
    heads = [f"{'answer':{wide}}", *(_column(name, name) for name in class_names)]
    lines = ["  ".join([*heads, "views", "case"])]
    for case in cases[:LISTED]:
        if (answer := case.answer) is None:
            lines.append(f"{case.case}: none of its {counted(len(case.not_answered), 'picture')} was answered")
            continue
        shown = [_column(f"{answer.probabilities[name]:.3f}", name) for name in class_names]
        lines.append("  ".join([f"{answer.label:{wide}}", *shown, f"{len(case.images):5}", case.case]))
        lines.append(f"{'':{wide}}  {answer.disagreement}")
    if len(cases) > LISTED:
        lines.append(f"and {len(cases) - LISTED} more cases, see cases.csv")
    lines.append("sets and calls were chosen for single pictures and are not told of cases")
    return "\n".join([*lines, ""])


def _column(text: str, name: str) -> str:
    return f"{text:>{max(_NARROWEST, len(name))}}"


def _lines(result: BatchResult, predictor: Predictor) -> list[str]:
    names, answers = predictor.network.class_names, result.answers
    sets = ["set", *(_members(answer) for answer in answers)]
    wide, set_width = max(map(len, names)), max(map(len, sets))
    heads = [f"{'answer':{wide}}", *(_column(name, name) for name in names)]
    lines = ["  ".join([*heads, f"{'set':{set_width}}", "calls", "distance", "image"])]
    for answer in answers:
        shown = [_column(f"{answer.best_probabilities[name]:.3f}", name) for name in names]
        cells = [f"{answer.label:{wide}}", *shown, f"{_members(answer):{set_width}}", f"{_marks(answer):5}"]
        lines.append("  ".join([*cells, f"{_distance(answer):8}", answer.image]))
    lines += [*_key(answers, predictor), *_warnings(answers)]
    return [*lines, *(f"not answered: {failure.reason}" for failure in result.failures)]


def _members(answer: Answer) -> str:
    if answer.decision is None or answer.decision.conformal_set is None:
        return "-"
    return ", ".join(answer.decision.conformal_set) or "none"


def _marks(answer: Answer) -> str:
    calls = () if answer.decision is None else answer.decision.calls
    return "".join("yn"[not call.positive] for call in calls) or "-"


def _distance(answer: Answer) -> str:
    if answer.novelty is None:
        return "-"
    return f"{answer.novelty.score:.1f}{' far' if answer.novelty.is_novel else ''}"


def _key(answers: Sequence[Answer], predictor: Predictor) -> Iterator[str]:
    """Yield what probabilities, set, calls and distance are."""
    network, decisions = predictor.network, predictor.network.decisions
    yield network.uncalibrated or "probabilities: calibrated on validation images"
    yield from network.caveats
    if decisions is not None and decisions.conformal is not None:
        level = f"{decisions.conformal.level:.0%}"
        yield f"set: what cannot be left out, chosen to hold the true class in {level} of the cases of each class"
    for number, point in enumerate([] if decisions is None else decisions.points, start=1):
        asked = f"{point.question.name}, {point.name}"
        yield f"call {number}: {asked}: y where the probability is above {point.threshold:.3f}, else n"
    limits = {answer.novelty.threshold for answer in answers if answer.novelty is not None}
    for limit in sorted(limits):
        yield f"distance: from the radiographs the network was trained on; far is above {limit:.1f}"


def _warnings(answers: Sequence[Answer]) -> Iterator[str]:
    for answer in answers:
        for objection in answer.accepted:
            yield f"warning: {answer.image} {objection.reason}; answered because of --accept {objection.gate}"
