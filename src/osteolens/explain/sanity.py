"""Do the maps depend on what the network has learnt? Its weights are made random, stage by stage, from head to input.

Cascading randomisation of Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018): a method whose maps stay
as they were while the network forgets shows the picture, not the network. Maps of one network also resemble each other
from picture to picture, so the reference is not 0 but the likeness to the maps of other pictures for the same class.
One draw of weights decides much, above all that of a small head, so every step is repeated with several.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.case_means import Floats, mean_where_defined
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.random_weights import group_label, layer_groups, randomise
from osteolens.models.classifier import BTXRDClassifier
from osteolens.randomness import named_generator

LIKENESS = ("spearman", "overlap", "same_maximum")
_HALF = 0.5  # of a map's maximum: the places compared by overlap


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """How like the maps of N pictures are to those of the trained network; three measures as in :data:`LIKENESS`.

    Attributes
    ----------
    stages
        What was made random in each of S steps, the head first; each step keeps what the steps before it did.
    likeness
        [D, S, N, 3] after each step, for each of D draws of the weights.
    unrelated
        [N, 3] to the maps of the trained network for the other pictures mapped for the same class, their mean; NaN
        where there is none.
    """

    stages: tuple[str, ...]
    likeness: Floats
    unrelated: Floats


def randomisation_cascade(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    classes: NDArray[np.int64],
    trained: CellMap,
    *,
    options: ExplanationOptions,
    seed: int,
) -> Cascade:
    """Make the weights of a copy of a network random from the head to the input, and map the pictures at each step.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized.
    classes
        [N] the class that each is mapped for.
    trained
        [N, h, w], their maps by the network as it is.
    """
    groups = layer_groups(model)
    drawn = []
    for draw in range(options.random_draws):
        steps = []
        for number, network in enumerate(forgetting(model, record, pictures, seed=seed, draw=draw)):
            words = f"maps with {number + 1} of {len(groups)} stages random, draw {draw + 1} of {options.random_draws}"
            maps = picture_maps(network, record, pictures, classes, options=options, description=words)
            steps.append(likeness(trained.values, maps.values))
        drawn.append(np.stack(steps))
    return Cascade(
        stages=tuple(group_label(names) for names in groups),
        likeness=np.stack(drawn),
        unrelated=_to_the_others(trained.values, classes),
    )


def forgetting(
    model: BTXRDClassifier, record: Preprocessing, pictures: NDArray[np.uint8], *, seed: int, draw: int
) -> Iterator[BTXRDClassifier]:
    """Yield one copy of a network again and again, each time with one more stage of random weights, the head first.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized, from which those are drawn that the batch norms see.
    draw
        Number of the draw; each has other weights.
    """
    network = copy.deepcopy(model)
    for number, names in enumerate(layer_groups(model)):
        randomise(network, names, record, pictures, named_generator(seed, "cascade", draw, number))
        yield network


def _to_the_others(maps: NDArray[np.float32], classes: NDArray[np.int64]) -> Floats:
    """Return the mean likeness of each map to all others of its class."""
    found = [np.full((len(maps), len(LIKENESS)), np.nan)]
    for by in range(1, len(maps)):
        alike = likeness(maps, np.roll(maps, by, axis=0))
        alike[classes != np.roll(classes, by)] = np.nan
        found.append(alike)
    return mean_where_defined(np.stack(found))


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> Floats:
    """Compare maps [N, h, w] in pairs.

    Returns
    -------
    ndarray
        [N, 3]: Spearman's rank correlation of the cells, -1 to 1; the IoU of the cells that reach half of the map's
        maximum; 1 where the highest cell is the same one, else 0. NaN where a map is 0 everywhere, and the rank
        correlation also where a map is the same everywhere.
    """
    flat = [maps.reshape(len(maps), -1).astype(np.float64) for maps in (one, other)]
    ranks = [rankdata(maps, axis=1) for maps in flat]
    centred = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    spread = np.sqrt(np.prod([(rank**2).sum(axis=1) for rank in centred], axis=0))
    highest = [maps.max(axis=1, keepdims=True) for maps in flat]
    marked = [maps >= _HALF * high for maps, high in zip(flat, highest, strict=True)]
    shared = (marked[0] & marked[1]).sum(axis=1) / (marked[0] | marked[1]).sum(axis=1)
    same = flat[0].argmax(axis=1) == flat[1].argmax(axis=1)
    correlation = np.divide(
        (centred[0] * centred[1]).sum(axis=1), spread, out=np.full(len(one), np.nan), where=spread > 0
    )
    found = np.stack([correlation, shared, same.astype(np.float64)], axis=1)
    found[(np.minimum(*highest) <= 0)[:, 0]] = np.nan
    return found
