"""What the pages read of ``case_answers.json``; see :mod:`osteolens.reporting.record_shapes`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag
from typing_extensions import TypedDict

from osteolens.reporting.record_shapes import ByClass, Figure, Number, Refused, Scores, possibility


class CaseScores(Scores):
    """Headline figures and the AUC of each class."""

    auc: ByClass[Figure]


class Difference(Figure):
    """One figure of the case answer less that of a single view."""

    p_value: Number


class Differences(TypedDict):
    """The same figures as differences."""

    accuracy: Difference
    balanced_accuracy: Difference
    macro_auc: Difference
    sensitivity: ByClass[Difference]
    auc: ByClass[Difference]


class ViewGroup(TypedDict):
    """Some cases, answered as cases and by one of their views."""

    n: int
    cases: int
    per_class_cases: ByClass[int]
    case_answer: CaseScores
    single_view: CaseScores
    difference: Differences


class RightCases(Figure):
    """Share of cases that are answered rightly."""

    cases: int


class Agreement(TypedDict):
    """Cases whose views name one class, and the others."""

    agree: RightCases
    differ: RightCases
    median_divergence_bits: float


class Left(TypedDict):
    """Images that are left out."""

    n: int
    cases: int


class Excluded(TypedDict):
    """Why images are left out."""

    grouped: Left
    several_labels: Left


class _Head(TypedDict):
    predictions_sha256: str
    confidence: float
    probabilities: str
    excluded: Excluded


class Views(_Head):
    """``case_answers.json`` where cases have several views."""

    several_views: ViewGroup
    all_cases: ViewGroup
    agreement: Agreement


class NoViews(_Head, Refused):
    """``case_answers.json`` where none has."""


CaseAnswers = Annotated[
    Annotated[Views, Tag("=possible")] | Annotated[NoViews, Tag("=refused")], Discriminator(possibility)
]
