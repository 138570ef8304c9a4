"""What the pages read of the other records of a run: leakage and corruptions.

Those of anybody's figures are there too. See :mod:`osteolens.reporting.record_shapes`.
"""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict

from osteolens.reporting.record_shapes import Headline, Scores


class Share(TypedDict):
    """Images of a kind, and those of them that share a case with train."""

    n: int
    shared: int
    shared_fraction: float
    duplicated: NotRequired[int]


class PartLeakage(TypedDict):
    """Leakage of one part."""

    per_class: dict[str, Share]
    overall: Share
    tumours: NotRequired[Share]


class Leakage(TypedDict):
    """``leakage.json``."""

    sentence: str
    train_images: int
    evaluation: dict[str, PartLeakage]


class Corruption(TypedDict):
    """What a change is, in words."""

    title: str
    description: str
    unit: str
    one_step: bool


class Strength(TypedDict):
    """Figures at one strength, and what they lost."""

    strength: float
    scores: Headline
    loss: Scores


class Robustness(TypedDict):
    """``corruption.json``."""

    predictions_sha256: str
    class_names: list[str]
    split: str
    confidence: float
    resamples: int
    corruptions: dict[str, Corruption]
    not_measured: list[str]
    clean: Headline
    curves: dict[str, list[Strength]]


class GivenFile(TypedDict):
    """A file or folder that anybody's figures were made from."""

    file: NotRequired[str]
    folder: NotRequired[str]
    sha256: str


class ForeignProvenance(TypedDict):
    """``provenance.json`` of the figures of anybody's predictions."""

    predictions_sha256: str
    osteolens: str
    seed: int
    predictions: GivenFile
    labels: GivenFile | None
    split_table: GivenFile | None
    data: GivenFile | None
    columns: dict[str, str]
    taken_from: dict[str, dict[str, int]]
    renormalise: bool
