"""Do the maps depend on what the network has learnt? Its weights are made random, stage by stage, from head to input.

Cascading randomisation of Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018): a method whose maps stay
as they were while the network forgets shows the picture, not the network. Maps of one network also resemble each other
from picture to picture, so the reference is not 0 but the likeness to the map of another picture.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.case_means import Floats
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
        [S, N, 3] after each step.
    unrelated
        [N, 3] of the maps of the trained network for another picture.
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
    network, groups = copy.deepcopy(model), layer_groups(model)
    steps = []
    for number, names in enumerate(groups):
        randomise(network, names, record, pictures, named_generator(seed, "cascade", number))
        words = f"maps with {number + 1} of {len(groups)} stages random"
        maps = picture_maps(network, record, pictures, classes, options=options, description=words)
        steps.append(likeness(trained.values, maps.values))
    return Cascade(
        stages=tuple(group_label(names) for names in groups),
        likeness=np.stack(steps),
        unrelated=_to_the_next(trained.values),
    )


def _to_the_next(maps: NDArray[np.float32]) -> Floats:
    """Return the likeness of each map to the one after it; NaN where there is only one."""
    found = likeness(maps, np.roll(maps, 1, axis=0))
    return found if len(maps) > 1 else np.full_like(found, np.nan)


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
