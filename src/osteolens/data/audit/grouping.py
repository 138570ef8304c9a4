"""How the images of a data set are grouped in cases, and what that does to the usual ways of splitting it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from osteolens.config import Config
from osteolens.data.cases import is_btxrd
from osteolens.data.leakage import manifest_leakage
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits import expand_schemes, make_split
from osteolens.domain import Column
from osteolens.errors import DataError

CASE_SIZES = {"1": 1, "2": 2, "3-5": 3, "6-10": 6, "11 and more": 11}  # images
_USUAL = ("stratified", "case", "center")


def summarise_cases(images: pd.DataFrame) -> dict[str, Any] | None:
    """Return the number of cases, how many hold how many images, and those with more than one class.

    Parameters
    ----------
    images
        Columns image_id, label and case_id; without the last, or with a case per image, nothing is known: None.
    """
    if Column.CASE not in images or images[Column.CASE].nunique() == len(images):
        return None
    cases = images.groupby(Column.CASE)
    sizes, labels = cases.size(), cases[Column.LABEL].nunique()
    starts = list(CASE_SIZES.values())
    bands = pd.cut(sizes, [*starts, float("inf")], right=False, labels=list(CASE_SIZES))
    return {
        "cases": len(sizes),
        "largest": int(sizes.max()),
        "by_size": {
            name: {"cases": int((bands == name).sum()), "images": int(sizes[bands == name].sum())}
            for name in CASE_SIZES
            if (bands == name).any()
        },
        "images_with_siblings": {
            str(label): {"images": len(group), "with_sibling": int((group[Column.CASE].map(sizes) > 1).sum())}
            for label, group in images.groupby(Column.LABEL)
        },
        "of_several_classes": int((labels > 1).sum()),
    }


def leakage_of_splits(data: RadiographSet, config: Config) -> dict[str, Any]:
    """Measure the usual splits, those of the configuration, and on BTXRD the published one.

    Returns
    -------
    dict
        Scheme to the result of :func:`osteolens.data.leakage.measure_leakage`, or to ``reason`` where the data set
        cannot be split that way.
    """
    labels = dict(zip(data.frame[Column.IMAGE_ID], data.frame[Column.LABEL], strict=True))
    published = ["published"] if is_btxrd(labels) else []
    result: dict[str, Any] = {}
    for scheme in dict.fromkeys([*_USUAL, *published, *config.data.split_schemes]):
        try:
            names = expand_schemes([scheme], data, config)
            manifests = {name: make_split(data, name, config) for name in names}
        except DataError as error:
            result[scheme] = {"reason": str(error)}
            continue
        result |= {name: manifest_leakage(manifest, data) for name, manifest in manifests.items()}
    return result
