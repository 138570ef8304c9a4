"""What the pages read of ``honesty.json``; see :mod:`osteolens.reporting.record_shapes`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag
from typing_extensions import TypedDict

from osteolens.reporting.record_shapes import ByClass, Figure, Headline, Refused, Scores, Told
from osteolens.reporting.run_shapes import Leakage


class Subgroup(Headline):
    """One row of a table by subgroup."""

    per_class_cases: ByClass[int]
    ranked: bool
    macro_auc_ranked: bool


class Worst(Figure):
    """The subgroup in which a figure is lowest."""

    grouping: str
    group: str
    n: int
    cases: int
    compared: int


class WorstOf(TypedDict):
    """By the figures by which subgroups are ranked."""

    accuracy: Worst | None
    macro_auc: Worst | None


class Subgroups(TypedDict):
    """See :func:`osteolens.evaluation.subgroups.subgroup_scores`."""

    fewest_ranked: int
    fewest_cases: int
    groupings: dict[str, dict[str, Subgroup]]
    not_possible: dict[str, str]
    worst: WorstOf


class Origins(TypedDict):
    """Images of sources that train does not have."""

    column: str
    n: int
    unseen_n: int
    unseen: list[str]


class NoImage(TypedDict):
    """A half of the images that is empty."""

    n: int


class Half(Headline):
    """The images with, or without, a sibling in train."""

    per_source_n: dict[str, int]


def _emptiness(found: Any) -> str:
    return "=none" if isinstance(found, dict) and found.get("n") == 0 else "=some"


AnyHalf = Annotated[Annotated[NoImage, Tag("=none")] | Annotated[Half, Tag("=some")], Discriminator(_emptiness)]


class Siblings(TypedDict):
    """Scores with and without a sibling in train."""

    cases_known: bool
    with_sibling: AnyHalf
    without_sibling: AnyHalf
    difference: Scores | None


class Blind(TypedDict):
    """A model without pixels."""

    inputs: list[str]
    constant: list[str]
    filled: dict[str, dict[str, float]]
    single_class: dict[str, dict[str, str]]
    scores: Headline
    advantage: Scores


class Pairs(Figure):
    """An AUC of malignant against benign tumours."""

    malignant: int
    benign: int
    pairs: int


def _knowledge(found: Any) -> str:
    return "=known" if isinstance(found, dict) and "value" in found else "=unknown"


class WithinSources(TypedDict):
    """Malignant against benign within each source."""

    overall: Pairs
    sources: dict[str, Pairs]
    pooled: Pairs
    source_alone: Annotated[
        Annotated[Pairs, Tag("=known")] | Annotated[Refused, Tag("=unknown")], Discriminator(_knowledge)
    ]
    unseen: list[str]


class Honesty(TypedDict):
    """``honesty.json``."""

    predictions_sha256: str
    split: str
    confidence: float
    resamples: int
    scores: Headline
    caveats: list[str]
    leakage: Told[Leakage]
    origins: Told[Origins]
    siblings: Told[Siblings]
    blind: dict[str, Told[Blind]]
    within_sources: Told[WithinSources]
    subgroups: Subgroups
    conclusion: str
    conclusion_sentences: list[str]
