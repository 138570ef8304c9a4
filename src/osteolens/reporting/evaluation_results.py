"""The figures of a set of answers, a run's or anybody's, read from their files and checked against the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.domain import Column
from osteolens.evaluation.compared_run import ComparedRun, Kind
from osteolens.evaluation.evaluate import CASES_FILE, EVALUATION_FIGURES, HONESTY_FILE, SUMMARY_FILE
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.compared_folders import require_same_answers
from osteolens.reporting.case_shapes import CaseAnswers
from osteolens.reporting.decision_shapes import Decisions
from osteolens.reporting.honesty_shapes import Honesty
from osteolens.reporting.record_shapes import Summary
from osteolens.reporting.records import picture, record
from osteolens.storage import RunFolder

DECISIONS_FILE = "decisions.json"


@dataclass(frozen=True, slots=True)
class EvaluationResults:
    """The figures of the answers for one part, as ``osteolens eval`` left them.

    Attributes
    ----------
    compared
        Answers for the evaluated part, and what it shares with the train part.
    leakage
        Content of ``leakage.json``; of a table whose train part is not known the ``sentence`` alone.
    summary
        Content of ``metrics_summary.json``.
    honesty
        Content of ``honesty.json``, see :func:`osteolens.evaluation.honesty.honesty_panel`.
    decisions
        Content of ``decisions.json``, see :func:`osteolens.evaluation.decisions.decisions`.
    case_answers
        Content of ``case_answers.json``, see :func:`osteolens.evaluation.several_views.several_views`.
    figures
        Name of each of :data:`~osteolens.evaluation.evaluate.EVALUATION_FIGURES` to SVG.
    """

    folder: RunFolder
    compared: ComparedRun
    leakage: dict[str, Any]
    summary: dict[str, Any]
    honesty: dict[str, Any]
    decisions: dict[str, Any]
    case_answers: dict[str, Any]
    figures: dict[str, bytes]

    @property
    def name(self) -> str:
        """The name of the split, by which the runs of an experiment are told apart; "" for anybody's table."""
        return self.compared.scheme

    @property
    def anchor(self) -> str:
        """The name in the characters that an address within a page may have."""
        return re.sub(r"[^A-Za-z0-9_-]", "-", self.name or "table")

    @property
    def part(self) -> str:
        """The part that the figures are of, test or val."""
        return str(self.summary["split"])

    @property
    def class_names(self) -> list[str]:
        """In the order of the probabilities."""
        return list(self.summary["class_names"])

    @property
    def sources(self) -> frozenset[str]:
        """Where the images come from, as far as that is known."""
        return frozenset(self.compared.table.frame[Column.SOURCE])

    @property
    def knows_train(self) -> bool:
        """Whether it is known which images the model was trained on."""
        return self.compared.overlap is not None

    @property
    def evaluated_leakage(self) -> dict[str, Any]:
        """Leakage of the part that the figures are of, where :attr:`knows_train`."""
        return dict(self.leakage["evaluation"][self.part])

    @property
    def kind(self) -> Kind:
        """How far from the train images the evaluated ones are."""
        return self.compared.kind

    @property
    def leaks(self) -> bool:
        """Whether any evaluated image has another one of its case, or a byte-identical one, in train."""
        return self.kind == "leaking"


def read_figures(folder: Path, verb: str) -> dict[str, Any]:
    """Return the records and ``figures`` of an :class:`EvaluationResults`, under the names that they have there.

    Parameters
    ----------
    verb
        What makes them; a :class:`DataError` on a missing or damaged file names it.
    """
    summary = record(folder / SUMMARY_FILE, verb, Summary)
    classes = summary["class_names"]
    return {
        "summary": summary,
        "honesty": record(folder / HONESTY_FILE, verb, Honesty, classes),
        "decisions": record(folder / DECISIONS_FILE, verb, Decisions, classes),
        "case_answers": record(folder / CASES_FILE, verb, CaseAnswers, classes),
        "figures": {name: picture(folder / f"{name}.svg", verb) for name in EVALUATION_FIGURES},
    }


def check_figures(results: EvaluationResults, folder: Path, table: PredictionsTable, verb: str) -> None:
    """Raise :class:`DataError` where a record in `folder` is of other answers than those of `table`."""
    for path, found, identity in _identities(results, folder, table):
        require_same_answers(path, found, identity, results.folder.predictions, verb)


def _identities(
    results: EvaluationResults, folder: Path, table: PredictionsTable
) -> Iterator[tuple[Path, dict[str, Any], str | None]]:
    _, validation = evaluation_parts(table)
    identity = predictions_sha256(results.compared.table)
    yield folder / SUMMARY_FILE, results.summary, identity
    yield folder / HONESTY_FILE, results.honesty, identity
    yield folder / DECISIONS_FILE, results.decisions, identity
    yield folder / CASES_FILE, results.case_answers, identity
    chosen_on = None if validation is None else predictions_sha256(validation)
    yield folder / DECISIONS_FILE, {IDENTITY: results.decisions["validation_sha256"]}, chosen_on
