"""Split schemes. To add one: write a function below, enter it in SCHEMES, name it in ``domain.SPLIT_SCHEMES``.

A family is one idea that gives several manifests, such as the folds of ``case-kfold``: it is entered in FAMILIES and
its prefix in ``domain.SCHEME_FAMILIES``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.cases import builtin_published_split
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits.assignment import assign_groups, joined_groups
from osteolens.domain import SPLIT_NAMES, Column, image_stem
from osteolens.errors import DataError
from osteolens.randomness import named_generator

HOLD_OUT_VALIDATION_SHARE = 0.15  # of what is not held out as the test part

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Family:
    """A scheme of several members, each with a manifest of its own.

    Attributes
    ----------
    members
        Names of the members, without the family's prefix.
    divide
        Part of each image for one member.
    """

    members: Callable[[RadiographSet, Config], list[str]]
    divide: Callable[[RadiographSet, Config, str], NDArray[np.str_]]


def _stratified(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """Images divided at random within each class; only byte-identical files are kept together. Leaks patients."""
    groups = joined_groups(data.content_hashes())
    return _divide(data, groups, config, "stratified")


def _case(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """Whole cases, and byte-identical files, are kept together: no patient on two sides."""
    return _divide(data, _case_groups(data), config, "case")


def _center(data: RadiographSet, config: Config) -> NDArray[np.str_]:
    """The largest center gives train and val (85/15, by case); all images of the others are the test part.

    An image without a center gets no part, since it may come from any of them.
    """
    if Column.CENTER not in data.frame or len(set(data.frame[Column.CENTER]) - {""}) < 2:
        raise DataError("the scheme center needs a center column with at least two centers. Use the scheme case.")
    centers = data.frame[Column.CENTER]
    largest = centers[centers != ""].mode()[0]
    test = (~centers.isin([largest, ""])).to_numpy()
    return _hold_out(data, _case_groups(data), test, config, "center", unknown=_unknown(data, Column.CENTER))


def _published(data: RadiographSet, config: Config) -> NDArray[np.str_]:  # noqa: ARG001  all schemes share a signature
    """The split of the BTXRD paper, 2,995 train and 751 val. It has no test part, so nothing may be chosen on val."""
    table = builtin_published_split().assign(stem=lambda frame: frame[Column.IMAGE_ID].map(image_stem))
    table = table.set_index("stem").reindex(data.frame[Column.IMAGE_ID].map(image_stem))
    if not (table[Column.LABEL].to_numpy() == data.frame[Column.LABEL].to_numpy()).all():
        raise DataError("the published split names the images of BTXRD, and this data set is another one.")
    return table[Column.SPLIT].to_numpy(str)


def _folds(data: RadiographSet, config: Config) -> list[str]:  # noqa: ARG001  all families share a signature
    return [str(number) for number in range(1, config.data.folds + 1)]


def _fold(data: RadiographSet, config: Config, member: str) -> NDArray[np.str_]:
    """One of ``data.folds`` equal shares of the cases is the test part; the rest gives train and val (85/15)."""
    names, groups = _folds(data, config), _case_groups(data)
    if member not in names:
        raise DataError(f"there is no fold {member}: data.folds is {config.data.folds}, so folds are 1 to {names[-1]}.")
    if (cases := len(set(groups))) <= len(names):
        raise DataError(
            f"{len(names)} folds need more than {len(names)} cases, and there are {cases}. Lower data.folds."
        )
    fold = assign_groups(
        data.frame[Column.LABEL].to_numpy(str),
        groups,
        dict.fromkeys(names, 1 / len(names)),
        named_generator(config.split_seed, "split", "case-kfold"),
    )
    return _hold_out(data, groups, fold == member, config, f"case-fold-{member}")


def _sources(data: RadiographSet, config: Config) -> list[str]:  # noqa: ARG001  all families share a signature
    """The sources that can be tested on: those with images of two classes or more."""
    found = [
        short
        for short, source in _source_names(data).items()
        if data.frame.loc[data.frame[Column.SOURCE] == source, Column.LABEL].nunique() > 1
    ]
    if not found:
        raise DataError("no source has images of two classes, so none can be tested on. Use the scheme case.")
    return found


def _source(data: RadiographSet, config: Config, member: str) -> NDArray[np.str_]:
    """All images of one source are the test part; those of the others give train and val (85/15, by case).

    An image without a source gets no part, since it may come from the one that is tested on. BTXRD has none: its
    normals without a hospital are a source with a name of their own, which stays in train and val.
    """
    names = _source_names(data)
    if member not in names:
        known = ", ".join(f"source-{name}" for name in names)
        raise DataError(f"there is no source {member} in this data set; its sources give the schemes {known}.")
    test = (data.frame[Column.SOURCE] == names[member]).to_numpy()
    return _hold_out(data, _case_groups(data), test, config, f"source-{member}", unknown=_unknown(data, Column.SOURCE))


SCHEMES: dict[str, Callable[[RadiographSet, Config], NDArray[np.str_]]] = {
    "stratified": _stratified,
    "center": _center,
    "case": _case,
    "published": _published,
}

FAMILIES: dict[str, Family] = {
    "case-kfold": Family(_folds, _fold),
    "source": Family(_sources, _source),
}


def _source_names(data: RadiographSet) -> dict[str, str]:
    """Short name, fit for a file, to value of the source column: ``hospital_g`` is ``g``, ``MedPix`` is ``medpix``."""
    values = sorted(set(data.frame[Column.SOURCE]) - {""})
    if len(values) < 2:
        raise DataError("the scheme source needs a source column with at least two sources. Use the scheme case.")
    names: dict[str, str] = {}
    for value in values:
        short = re.sub(r"[^a-z0-9]+", "-", value.lower().removeprefix("hospital_")).strip("-")
        if not short or short in names:
            raise DataError(f"the source {value!r} has no short name of its own ({short!r}). Rename it in the table.")
        names[short] = value
    return names


def _unknown(data: RadiographSet, column: str) -> NDArray[np.bool_]:
    unknown = (data.frame[column] == "").to_numpy()
    if unknown.any():
        logger.warning("%d of %d images have no %s; they get no part.", unknown.sum(), len(unknown), column)
    return unknown


def _case_groups(data: RadiographSet) -> NDArray[np.str_]:
    return joined_groups(data.frame[Column.CASE], data.content_hashes())


def _divide(data: RadiographSet, groups: NDArray[np.str_], config: Config, scheme: str) -> NDArray[np.str_]:
    return assign_groups(
        data.frame[Column.LABEL].to_numpy(str),
        groups,
        dict(zip(SPLIT_NAMES, config.data.split_fractions, strict=True)),
        named_generator(config.split_seed, "split", scheme),
    )


def _hold_out(
    data: RadiographSet,
    groups: NDArray[np.str_],
    test: NDArray[np.bool_],
    config: Config,
    scheme: str,
    *,
    unknown: NDArray[np.bool_] | None = None,
) -> NDArray[np.str_]:
    """Divide what is not held out into train and val.

    An image of `unknown` origin gets "", none, and so does one whose group reaches into the test part.
    """
    rest = ~np.isin(groups, groups[test])
    if unknown is not None:
        rest &= ~unknown
    parts = np.where(test, "test", "").astype("<U5")
    parts[rest] = assign_groups(
        data.frame[Column.LABEL].to_numpy(str)[rest],
        groups[rest],
        {"train": 1 - HOLD_OUT_VALIDATION_SHARE, "val": HOLD_OUT_VALIDATION_SHARE},
        named_generator(config.split_seed, "split", scheme),
    )
    return parts
