"""What the pages read of the records of a run: keys, and the kind of value under each. A record may hold more.

Pages look classes up by name, so whatever is told by class must be told of every class.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo
from typing_extensions import NotRequired, TypedDict

from osteolens.evaluation.metrics import CLASS_METRICS, OVERALL_METRICS

TAG_MARK = "="  # begins the names of alternatives, which are no part of a place in a record
Number = float | None
T = TypeVar("T")


def _exactly(names: tuple[str, ...], found: dict[str, T]) -> dict[str, T]:
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"lacks {', '.join(missing)}")
    if other := [name for name in found if name not in names]:
        raise ValueError(f"holds {', '.join(other)}, which is none of {', '.join(names)}")
    return found


def _one_each(found: list[T], info: ValidationInfo) -> list[T]:
    classes: Any = info.context
    if len(found) != len(classes):
        raise ValueError(f"holds {len(found)} entries for {len(classes)} classes")
    return found


def possibility(found: Any) -> str:
    """Return the tag of a section that could, or could not, be worked out."""
    return "=refused" if isinstance(found, dict) and found.get("possible") is False else "=possible"


ByClass = Annotated[dict[str, T], AfterValidator(lambda found, info: _exactly(info.context, found))]
EachClass = Annotated[list[T], AfterValidator(_one_each)]


class Figure(TypedDict):
    """One figure as :func:`osteolens.evaluation.entries.entry` makes it."""

    value: Number
    low: Number
    high: Number
    reason: NotRequired[str | None]


class Refused(TypedDict):
    """A section that could not be worked out."""

    reason: str


Told = Annotated[Annotated[T, Tag("=possible")] | Annotated[Refused, Tag("=refused")], Discriminator(possibility)]


class Scores(TypedDict):
    """Headline figures without their sizes, such as those of a difference."""

    accuracy: Figure
    balanced_accuracy: Figure
    macro_auc: Figure
    sensitivity: ByClass[Figure]


class Headline(Scores):
    """Figures of :func:`osteolens.evaluation.headline.headline`."""

    n: int
    cases: int
    per_class_n: ByClass[int]


class Summary(TypedDict):
    """``metrics_summary.json``."""

    predictions_sha256: str
    n: int
    cases: int
    split: str
    class_names: Annotated[list[str], Field(min_length=1)]
    per_class_n: ByClass[int]
    per_class_cases: ByClass[int]
    confidence: float
    resamples: int
    resampled_by: str
    intervals: str
    overall: Annotated[dict[str, Figure], AfterValidator(lambda found: _exactly(OVERALL_METRICS, found))]
    per_class: ByClass[Annotated[dict[str, Figure], AfterValidator(lambda found: _exactly(CLASS_METRICS, found))]]
    confusion_matrix: EachClass[EachClass[int]]
