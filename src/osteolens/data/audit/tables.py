"""Counts by class that an audit shows; plain values, fit for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from osteolens.data.columns import REGIONS, SITES, SUBTYPES, VIEWS
from osteolens.domain import AGE_BANDS, AREA_BANDS, BTXRD_CLASSES, NONE_GIVEN, Column

Counts = dict[str, dict[str, int]]

QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}

_FLAG_GROUPS = {"site": SITES, "view": VIEWS, "region": REGIONS, "subtype": SUBTYPES}


def class_names(labels: pd.Series[str]) -> list[str]:
    """Return the classes that occur: those of BTXRD in their order, then others by name."""
    present = set(labels)
    return [name for name in BTXRD_CLASSES if name in present] + sorted(present - set(BTXRD_CLASSES))


def tables_by_class(frame: pd.DataFrame) -> dict[str, Counts]:
    """Return, for each grouping whose columns exist, group to class to number of images.

    Groupings: center, source, gender, age band, site, view, region, subtype. In the last four an image counts in
    every group whose flag it bears. Groups without an image are left out.
    """
    classes = class_names(frame[Column.LABEL])
    tables: dict[str, Counts] = {}
    for column in (Column.CENTER, Column.SOURCE, "gender"):
        if column in frame:
            groups = frame[column].where(frame[column] != "", NONE_GIVEN)
            tables[column] = _count(frame, classes, ((name, groups == name) for name in sorted(set(groups))))
    if "age" in frame:
        bands = [*_bands(frame["age"], AGE_BANDS), (NONE_GIVEN, frame["age"].isna())]
        tables["age band"] = _count(frame, classes, bands)
    for grouping, columns in _FLAG_GROUPS.items():
        if present := [name for name in columns if name in frame]:
            none_set = frame[present].sum(axis=1) == 0
            flags = [(name, frame[name] == 1) for name in present]
            tables[grouping] = _count(frame, classes, [*flags, (NONE_GIVEN, none_set)])
    return tables


def area_bands(frame: pd.DataFrame) -> Counts:
    """Return band of the lesion area to class to number of images; images without a lesion are left out."""
    return _count(frame, class_names(frame[Column.LABEL]), _bands(frame["lesion_area"], AREA_BANDS))


def missing_values(frame: pd.DataFrame) -> dict[str, int]:
    """Return, for each column with gaps, how many images have no value in it."""
    gaps = {str(name): int((frame[name].isna() | (frame[name].astype(str) == "")).sum()) for name in frame}
    return {name: count for name, count in gaps.items() if count}


def quantiles_by_class(frame: pd.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """Return, for each class and for ``all``, n and the quantiles of a numeric column; NaN where n is 0."""
    groups = {"all": frame, **{name: frame[frame[Column.LABEL] == name] for name in class_names(frame[Column.LABEL])}}
    return {name: _quantiles(group[column].dropna().to_numpy(dtype=float)) for name, group in groups.items()}


def _quantiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    if not len(values):
        return {"n": 0, **dict.fromkeys(QUANTILES, float("nan"))}
    points = np.quantile(values, list(QUANTILES.values()))
    return {"n": len(values), **{name: float(point) for name, point in zip(QUANTILES, points, strict=True)}}


def _bands(values: pd.Series[float], bands: dict[str, Any]) -> list[tuple[str, pd.Series[bool]]]:
    """Return each band and the rows in it; `bands` gives where each begins, and the last has no end."""
    starts = list(bands.values())
    ends: Sequence[float] = [*starts[1:], float("inf")]
    return [(name, values.ge(low) & values.lt(high)) for name, low, high in zip(bands, starts, ends, strict=True)]


def _count(frame: pd.DataFrame, classes: list[str], groups: Iterable[tuple[str, pd.Series[bool]]]) -> Counts:
    return {
        name: {label: int((frame[Column.LABEL][inside] == label).sum()) for label in classes}
        for name, inside in groups
        if inside.any()
    }
