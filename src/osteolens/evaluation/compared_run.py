"""What enters a comparison: the evaluated part of a run, and what that part shares with the train part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from osteolens.domain import Column, image_stem
from osteolens.evaluation.predictions import PredictionsTable

Kind = Literal["leaking", "unknown", "new_cases", "new_sources"]
EASIEST_FIRST: tuple[Kind, ...] = ("leaking", "unknown", "new_cases", "new_sources")
HONEST_FIRST: tuple[Kind, ...] = ("new_cases", "new_sources", "unknown", "leaking")


@dataclass(frozen=True, slots=True)
class TrainOverlap:
    """What the evaluated part shares with the train part.

    Attributes
    ----------
    shared
        Group of images (a class, ``tumours``, ``all``) → images whose case is also in train, and images.
    copies
        Images that are byte-identical to one in train.
    new_sources
        Whether no source, such as a hospital, of the evaluated images is in train; None where sources are not known.
    """

    shared: dict[str, tuple[int, int]]
    copies: int = 0
    new_sources: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRun:
    """The evaluated part of one run, or of anybody's predictions table.

    Attributes
    ----------
    experiment
        Name of the recipe: runs of one experiment differ in their split only.
    scheme
        Split scheme; "" for a table of which no split is known.
    table
        One part only.
    overlap
        None where it is not known what the model was trained on.
    """

    experiment: str
    scheme: str
    table: PredictionsTable
    overlap: TrainOverlap | None = None

    @property
    def label(self) -> str:
        """Experiment and split, by which a run is told apart."""
        return f"{self.experiment}, {self.scheme}" if self.scheme else self.experiment

    @property
    def knows_cases(self) -> bool:
        """Whether any image is said to belong to a case; without that every image is one of its own."""
        ids = self.table.frame[Column.IMAGE_ID]
        cases = self.table.frame[Column.CASE]
        return bool(((cases != ids) & (cases != ids.map(image_stem))).any())

    @property
    def kind(self) -> Kind:
        """How far from the train images the evaluated ones are."""
        if self.overlap is None:
            return "unknown"
        if self.overlap.copies or any(shared for shared, _ in self.overlap.shared.values()):
            return "leaking"
        if self.overlap.new_sources:
            return "new_sources"
        return "new_cases" if self.knows_cases else "unknown"

    @property
    def images(self) -> frozenset[str]:
        """Names of the images without suffix."""
        return frozenset(map(image_stem, self.table.frame[Column.IMAGE_ID]))
