"""Does what a map marks matter to the network? The picture is taken away, or brought back, in the order of the map.

Deletion and insertion of Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models"
(BMVC 2018): the probability of the class against the share of the pixels that were taken away or brought back, and the
area under it. A good map gives a low deletion and a high insertion. What is not there is filled in two ways
(:mod:`osteolens.explain.fills`), since the network answers the fill too. Orders that know nothing of the answer stand
beside the map: cells as coarse as its own in random order, the same with those of the body first, and from the centre
outwards. Body against air is what any picture would show; a map must do better than random cells of the body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from osteolens.data.background import exposed_body
from osteolens.domain import Preprocessing
from osteolens.explain.case_means import Floats
from osteolens.explain.cell_map import CellMap
from osteolens.explain.fills import FILLS, Fill, filled
from osteolens.explain.scores import Heat, centre_prior
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.forward import class_probabilities

Kind = Literal["deletion", "insertion"]
Pictures = NDArray[np.uint8]
KINDS: tuple[Kind, ...] = ("deletion", "insertion")
ORDERS = ("map", "random", "body", "centre")
STEPS = 8
_PICTURES = 4  # worked on at once: bounds the memory


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probabilities of the mapped class.

    Attributes
    ----------
    shares
        [P] share of the pixels taken away or brought back, 0 to 1.
    probabilities
        Fill, then kind, then order, to [N, P].
    answers
        Fill to [N, C], the probabilities of all classes where all of a picture is taken away.
    """

    shares: Floats
    probabilities: dict[Fill, dict[Kind, dict[str, Floats]]]
    answers: dict[Fill, Floats]

    def areas(self, fill: Fill, kind: Kind, order: str) -> Floats:
        """[N] area under the curve of each picture, 0 to 1, by trapezoids."""
        return np.asarray(np.trapezoid(self.probabilities[fill][kind][order], self.shares, axis=1))


def deletion_insertion(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: Pictures,
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
    answers = []
    for start in range(0, len(pictures), _PICTURES):
        part = range(start, min(start + _PICTURES, len(pictures)))
        shown = [_shown(pictures[i], _when(pictures[i], maps[i], noise[i]), shares[1:-1], generator) for i in part]
        words = f"deletion and insertion, image {start + 1} to {part.stop} of {len(pictures)}"
        found = class_probabilities(model, np.concatenate(shown), record, description=words)
        answers.append(found.reshape(len(part), -1, found.shape[1]))
    return _curves(np.concatenate(answers), classes, shares)


def _when(picture: Pictures, heat: CellMap, noise: CellMap) -> Heat:
    """Return [orders, S, S] the share of the pixels that go before each one; equal ones go in random order."""
    at_random = noise.enlarged(*picture.shape)
    first = {
        "map": heat.enlarged(*picture.shape),
        "random": at_random,
        "body": exposed_body(picture),
        "centre": centre_prior(*picture.shape),
    }
    when = np.empty((len(ORDERS), picture.size), np.float32)
    for place, order in enumerate(ORDERS):
        ranked = np.lexsort((-at_random.ravel(), -first[order].ravel().astype(np.float32)))
        when[place, ranked] = np.arange(picture.size, dtype=np.float32) / picture.size
    return when.reshape(-1, *picture.shape)


def _shown(picture: Pictures, when: Heat, inner: Floats, generator: np.random.Generator) -> Pictures:
    """Return the picture, its fills, then for each fill, kind and order what is left after each share but 0 and 1."""
    fills = [filled(fill, picture, generator) for fill in FILLS]
    passed = (when[:, None] < inner.astype(np.float32)[:, None, None]).reshape(-1, *picture.shape)
    changed = [np.where(passed == (kind == "insertion"), picture, fill) for fill in fills for kind in KINDS]
    return np.concatenate([picture[None], np.stack(fills), *changed])


def _curves(answers: Floats, classes: NDArray[np.int64], shares: Floats) -> Curves:
    """Sort [N, V, C] answers to all that was shown of each picture into curves."""
    own = answers[np.arange(len(answers)), :, classes]
    whole, gone, inner = np.split(own, [1, 1 + len(FILLS)], axis=1)
    inner = inner.reshape(len(own), len(FILLS), len(KINDS), len(ORDERS), -1)
    found: dict[Fill, dict[Kind, dict[str, Floats]]] = {fill: {kind: {} for kind in KINDS} for fill in FILLS}
    for f, fill in enumerate(FILLS):
        ends = {"deletion": (whole, gone[:, [f]]), "insertion": (gone[:, [f]], whole)}
        for k, kind in enumerate(KINDS):
            for o, order in enumerate(ORDERS):
                first, last = ends[kind]
                found[fill][kind][order] = np.concatenate([first, inner[:, f, k, o], last], axis=1)
    return Curves(shares, found, {fill: answers[:, 1 + f] for f, fill in enumerate(FILLS)})
