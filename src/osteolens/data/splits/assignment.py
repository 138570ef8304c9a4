"""Whole groups of images to parts, so that each part has its share of every class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet


def assign_groups(
    labels: NDArray[np.str_],
    groups: NDArray[np.str_],
    fractions: dict[str, float],
    generator: np.random.Generator,
) -> NDArray[np.str_]:
    """Give whole groups to parts so that each part has its share of every class.

    Large groups are placed first, each where the classes it holds are furthest below their target; groups of one image
    come last and level the counts out.

    Parameters
    ----------
    labels, groups
        Class and group of each image, shape [N].
    fractions
        Part name to share; shares sum to 1.

    Returns
    -------
    numpy.ndarray
        Part of each image, shape [N].
    """
    classes, class_index = np.unique(labels, return_inverse=True)
    names, group_index = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (group_index, class_index), 1)
    target = np.outer(list(fractions.values()), counts.sum(axis=0))
    placed = np.zeros_like(target)
    order = generator.permutation(len(names))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    part_of_group = np.empty(len(names), dtype=int)
    for group in order:
        # half of the group counts as placed already (Webster's rounding), once each part holds some of the class:
        # without it small parts, whose last missing image is a larger share, are rounded up
        filled = placed + np.where(placed > 0, counts[group] / 2, 0)
        part = int(np.argmax((counts[group] * (1 - filled / target)).sum(axis=1)))
        part_of_group[group] = part
        placed[part] += counts[group]
    return np.array(list(fractions))[part_of_group[group_index]]


def joined_groups(*keys: pd.Series[str]) -> NDArray[np.str_]:
    """Return group labels such that images that share any key (a case, a file's content) share a group.

    A group bears the smallest of its values of the first key, so labels do not depend on the order of the images.
    """
    items = DisjointSet(range(len(keys[0])))
    for key in keys:
        first: dict[str, int] = {}
        for row, value in enumerate(key):
            items.merge(first.setdefault(value, row), row)
    roots = pd.Series([items[row] for row in range(len(keys[0]))])
    return keys[0].reset_index(drop=True).groupby(roots).transform("min").to_numpy(str)
