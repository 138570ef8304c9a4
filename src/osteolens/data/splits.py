"""Split schemes. To add one: write a function below, enter it in SCHEMES, name it in ``domain.SPLIT_SCHEMES``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from osteolens.config import Config
from osteolens.data.cases import builtin_published_split
from osteolens.data.manifest import COLUMNS, Manifest, check_parts
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import SPLIT_NAMES, Column, image_stem
from osteolens.errors import DataError
from osteolens.randomness import named_generator
from osteolens.storage import read_table

CENTER_VALIDATION_SHARE = 0.15


def make_split(data: RadiographSet, scheme: str, config: Config) -> Manifest:
    """Divide a data set by a named scheme.

    Parameters
    ----------
    scheme
        One of ``domain.SPLIT_SCHEMES`` or a name under ``data.split_files``.

    Raises
    ------
    DataError
        The data set lacks what the scheme needs (centers, or the images of the published split).
    """
    if scheme in config.data.split_files:
        parts = _from_file(data, config.data.root / config.data.split_files[scheme])
    else:
        parts = SCHEMES[scheme](data, config)
    frame = data.frame.copy()
    frame[Column.SPLIT], frame[Column.SCHEME], frame[Column.SEED] = parts, scheme, str(config.seed)
    frame = frame[frame[Column.SPLIT] != ""]
    for optional in (Column.CENTER, Column.SOURCE):
        if optional not in frame:
            frame[optional] = ""
    return Manifest(frame[list(COLUMNS)].reset_index(drop=True))


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
    remaining = target.copy()
    order = generator.permutation(len(names))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    part_of_group = np.empty(len(names), dtype=int)
    for group in order:
        need = (counts[group] * remaining / target).sum(axis=1)
        part_of_group[group] = int(np.argmax(need))
        remaining[part_of_group[group]] -= counts[group]
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


def _stratified(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """Images divided at random within each class; only byte-identical files are kept together. Leaks patients."""
    groups = joined_groups(data.content_hashes())
    return _divide(data, groups, config, "stratified")


def _case(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """Whole cases, and byte-identical files, are kept together: no patient on two sides."""
    groups = joined_groups(data.frame[Column.CASE], data.content_hashes())
    return _divide(data, groups, config, "case")


def _center(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """The largest center gives train and val (85/15, by case); all images of the others are the test part."""
    if Column.CENTER not in data.frame or data.frame[Column.CENTER].nunique() < 2:
        raise DataError("the scheme center needs a center column with at least two centers. Use the scheme case.")
    training = (data.frame[Column.CENTER] == data.frame[Column.CENTER].mode()[0]).to_numpy()
    groups = joined_groups(data.frame[Column.CASE], data.content_hashes())
    parts = np.where(training, "train", "test").astype("<U5")
    parts[training] = assign_groups(
        data.frame[Column.LABEL].to_numpy(str)[training],
        groups[training],
        {"train": 1 - CENTER_VALIDATION_SHARE, "val": CENTER_VALIDATION_SHARE},
        named_generator(config.seed, "split", "center"),
    )
    return parts


def _published(data: RadiographSet, config: Config) -> NDArray[np.str_]:  # noqa: ARG001  all schemes share a signature
    """The split of the BTXRD paper, 2,995 train and 751 val. It has no test part, so nothing may be chosen on val."""
    table = builtin_published_split().assign(stem=lambda frame: frame[Column.IMAGE_ID].map(image_stem))
    table = table.set_index("stem").reindex(data.frame[Column.IMAGE_ID].map(image_stem))
    if not (table[Column.LABEL].to_numpy() == data.frame[Column.LABEL].to_numpy()).all():
        raise DataError("the published split names the images of BTXRD, and this data set is another one.")
    return table[Column.SPLIT].to_numpy(str)


SCHEMES: dict[str, Callable[[RadiographSet, Config], NDArray[np.str_]]] = {
    "stratified": _stratified,
    "center": _center,
    "case": _case,
    "published": _published,
}


def _divide(data: RadiographSet, groups: NDArray[np.str_], config: Config, scheme: str) -> NDArray[np.str_]:
    return assign_groups(
        data.frame[Column.LABEL].to_numpy(str),
        groups,
        dict(zip(SPLIT_NAMES, config.data.split_fractions, strict=True)),
        named_generator(config.seed, "split", scheme),
    )


def _from_file(data: RadiographSet, path: Path) -> NDArray[np.str_]:
    """Return the parts that a CSV (image_id, split) gives; images it does not list get "" and are left out."""
    table = read_table(path)
    if missing := {Column.IMAGE_ID, Column.SPLIT} - set(table.columns):
        raise DataError(f"{path} lacks the column(s) {', '.join(sorted(missing))}.")
    check_parts(table, str(path))
    part = dict(zip(table[Column.IMAGE_ID].map(image_stem), table[Column.SPLIT], strict=True))
    if strangers := sorted(set(part) - set(data.paths)):
        raise DataError(f"{path} lists {len(strangers)} image(s) that the data set lacks, for example {strangers[0]}.")
    return np.array([part.get(image_stem(name), "") for name in data.frame[Column.IMAGE_ID]])
