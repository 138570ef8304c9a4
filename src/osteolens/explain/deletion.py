"""Does what a map marks matter to the network? The picture is taken away, or brought back, in the order of the map.

Deletion and insertion of Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models"
(BMVC 2018): the probability of the class against the share of the pixels that were taken away or brought back, and the
area under it. A good map gives a low deletion and a high insertion. What is not there is filled with the blurred
picture, in both: black or grey patches would be shapes of their own. Orders that know nothing stand beside the map, as
coarse as it is: random cells, and from the centre outwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Preprocessing
from osteolens.explain.case_means import Floats
from osteolens.explain.cell_map import CellMap
from osteolens.explain.scores import Heat, centre_prior
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import class_probabilities

Kind = Literal["deletion", "insertion"]
KINDS: tuple[Kind, ...] = ("deletion", "insertion")
ORDERS = ("map", "random", "centre")
STEPS = 16
BLUR = 1 / 16  # standard deviation of the fill as a share of the picture's side
_PICTURES = 32  # worked on at once: bounds the memory


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probabilities of the mapped class.

    Attributes
    ----------
    shares
        [P] share of the pixels taken away or brought back, 0 to 1.
    probabilities
        Kind, then order, to [N, P].
    """

    shares: Floats
    probabilities: dict[Kind, dict[str, Floats]]

    def areas(self, kind: Kind, order: str) -> Floats:
        """[N] area under the curve of each picture, 0 to 1, by trapezoids."""
        return np.asarray(np.trapezoid(self.probabilities[kind][order], self.shares, axis=1))


def deletion_insertion(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    classes: NDArray[np.int64],
    maps: CellMap,
    *,
    generator: np.random.Generator,
) -> Curves:
    """Follow the probability of each picture's class while it is deleted and inserted.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized.
    classes, maps
        [N] classes, and the map [N, h, w] of each for its class.
    """
    shares = np.linspace(0, 1, STEPS + 1)
    noise = replace(maps, values=generator.random(maps.values.shape, np.float32))
    found: dict[Kind, dict[str, list[Floats]]] = {kind: {order: [] for order in ORDERS} for kind in KINDS}
    for start in range(0, len(pictures), _PICTURES):
        part = range(start, min(start + _PICTURES, len(pictures)))
        for order in ORDERS:
            when = np.stack([_when(order, pictures[i].shape, maps[i], noise[i]) for i in part])
            for kind in KINDS:
                shown = np.stack([_changed(pictures[i], when[i - start], shares, kind) for i in part])
                words = f"{kind} by {order}"
                answers = class_probabilities(model, shown.reshape(-1, *shown.shape[2:]), record, description=words)
                of_class = answers.reshape(*shown.shape[:2], -1)[np.arange(len(part)), :, classes[list(part)]]
                found[kind][order].append(of_class)
    return Curves(shares, {k: {o: np.concatenate(rows) for o, rows in by.items()} for k, by in found.items()})


def _when(order: str, shape: tuple[int, ...], heat: CellMap, noise: CellMap) -> Heat:
    """Return [S, S] the share of the pixels that go before each one; equal values of a map go in random order."""
    height, width = shape
    at_random = noise.enlarged(height, width)
    first = {"map": heat.enlarged(height, width), "random": at_random, "centre": centre_prior(height, width)}[order]
    ranked = np.lexsort((-at_random.ravel(), -first.ravel()))
    when = np.empty(ranked.size, np.float32)
    when[ranked] = np.arange(ranked.size, dtype=np.float32) / ranked.size
    return when.reshape(height, width)


def _changed(picture: NDArray[np.uint8], when: Heat, shares: Floats, kind: Kind) -> NDArray[np.uint8]:
    """Return [P, S, S] the picture with each share of its pixels gone, or there."""
    blurred = cv2.GaussianBlur(picture, (0, 0), BLUR * len(picture))
    passed = when[None] < shares[:, None, None].astype(np.float32)
    return np.where(passed == (kind == "insertion"), picture, blurred)
