"""What is odd about a release: copies under another number, wrong rows of metadata, coloured files, other suffixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from osteolens.config import PhantomOptions
from osteolens.data.phantom.cases import Case
from osteolens.data.phantom.scenes import Projection
from osteolens.domain import BENIGN, NORMAL
from osteolens.errors import DataError
from osteolens.randomness import named_generator

LabelOddity = Literal["two subtypes", "two views", "no view", "two regions", "other suffix"]
Colouring = Literal["tinted", "overlay"]
COLOURED_CENTERS = (2, 3)  # the hospitals' files are grey


@dataclass(frozen=True)
class Shot:
    """One view of a case."""

    case: Case
    view: int

    @property
    def projection(self) -> Projection:
        """From where it is taken."""
        return self.case.views[self.view]


@dataclass(frozen=True)
class Item:
    """One picture of the data set.

    Attributes
    ----------
    listed
        What the tables say it is.
    shown
        What the file shows; differs from `listed` in a copy only.
    copy_of
        Image id of the picture it repeats byte for byte.
    """

    image_id: str
    listed: Shot
    shown: Shot
    copy_of: str | None = None
    oddity: LabelOddity | None = None
    colouring: Colouring | None = None

    @property
    def annotated(self) -> bool:
        """Whether it has a LabelMe file: tumours listed as such."""
        return self.listed.case.subtype is not None


def plan_items(cases: tuple[Case, ...], options: PhantomOptions, seed: int) -> tuple[Item, ...]:
    """Return the pictures of a data set in order.

    Raises
    ------
    DataError
        The cases do not have room for so many copies.
    """
    shots = [Shot(case, view) for case in cases for view in range(len(case.views))]
    names = _names(len(shots), options, seed)
    copies = _copies(shots, options, seed)
    untouched = [index for index in range(len(shots)) if index not in {*copies, *copies.values()}]
    oddities, colours = _oddities(shots, untouched, options, seed), _colours(shots, untouched, options, seed)
    return tuple(
        Item(
            image_id=names[index],
            listed=shot,
            shown=shots[copies.get(index, index)],
            copy_of=names[copies[index]] if index in copies else None,
            oddity=oddities.get(index),
            colouring=colours.get(index),
        )
        for index, shot in enumerate(shots)
    )


def _names(count: int, options: PhantomOptions, seed: int) -> list[str]:
    order = _generator(seed, "suffix").permutation(count)
    jpg = {int(index) for index in order[: round(count * options.jpg_rate)]}
    return [f"IMG{index + 1:06d}.{'jpg' if index in jpg else 'jpeg'}" for index in range(count)]


def _copies(shots: list[Shot], options: PhantomOptions, seed: int) -> dict[int, int]:
    """Return index of the copy to index of the original: a case's second view, or a tumour under a normal's name."""
    count = round(len(shots) * options.duplicate_rate)
    conflicts = round(count * options.duplicate_conflicts)
    generator = _generator(seed, "copies")
    seconds = _shuffled(generator, [i for i, shot in enumerate(shots) if shot.view == 1])[: count - conflicts]
    copies = {index: index - 1 for index in seconds}
    normals = [i for i, s in enumerate(shots) if s.case.label == NORMAL and len(s.case.views) == 1]
    tumours = [i for i, s in enumerate(shots) if s.case.label != NORMAL and i not in {*copies, *copies.values()}]
    pairs = zip(_shuffled(generator, normals), _shuffled(generator, tumours), strict=False)
    copies |= dict(list(pairs)[:conflicts])
    if len(copies) < count:
        raise DataError(
            f"{len(shots)} pictures have room for {len(copies)} of {count} copies. "
            "Lower phantom.duplicate_rate or ask for more pictures."
        )
    return copies


def _oddities(shots: list[Shot], free: list[int], options: PhantomOptions, seed: int) -> dict[int, LabelOddity]:
    """Return index to oddity; the kinds take turns, two subtypes falling on a benign row as in the release."""
    kinds: tuple[LabelOddity, ...] = get_args(LabelOddity)
    left = _shuffled(_generator(seed, "label oddities"), free)
    chosen: dict[int, LabelOddity] = {}
    for turn in range(round(len(shots) * options.label_oddity_rate)):
        kind = kinds[turn % len(kinds)]
        fit = [i for i in left if kind != "two subtypes" or shots[i].case.label == BENIGN]
        if fit:
            chosen[fit[0]] = kind
            left.remove(fit[0])
    return chosen


def _colours(shots: list[Shot], free: list[int], options: PhantomOptions, seed: int) -> dict[int, Colouring]:
    kinds: tuple[Colouring, ...] = get_args(Colouring)
    order = _shuffled(_generator(seed, "colours"), free)
    order.sort(key=lambda index: shots[index].case.center not in COLOURED_CENTERS)
    return {index: kinds[turn % 2] for turn, index in enumerate(order[: round(len(shots) * options.coloured_rate)])}


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return named_generator(seed, "phantom", purpose)


def _shuffled(generator: np.random.Generator, indices: list[int]) -> list[int]:
    return [int(index) for index in generator.permutation(np.array(indices, dtype=np.int64))]
