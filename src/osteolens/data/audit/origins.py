"""Do numbers of a file or picture tell its origin, or its class? A network could learn those instead of the lesion."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.metrics import roc_auc_score

from osteolens.data.audit.tables import class_names
from osteolens.domain import NONE_GIVEN, Column

STATISTICS = (
    "mean",
    "std",
    "sharpness",
    "black_border",
    "white_border",
    "width",
    "height",
    "file_size",
    "annotated_width",
    "annotated_height",
)
_FEWEST = 10  # images on each side, below which an AUC is mostly chance


def origin_column(images: pd.DataFrame) -> str | None:
    """Return the column that best says where an image came from: source, else center; None where neither differs."""
    for name in (Column.SOURCE, Column.CENTER):
        if name in images and len(images[name].unique()) > 1:
            return name
    return None


def statistics_by_origin(images: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return origin to n, the median of each of STATISTICS that differs, and the shares framed and coloured.

    The origin ``all`` comes first. Files that could not be read are left out.
    """
    read = images[images["kind"] != ""]
    groups = {"all": read}
    if (column := origin_column(images)) is not None:
        names = read[column].where(read[column] != "", NONE_GIVEN)
        groups |= {str(name): read[names == name] for name in sorted(set(names))}
    varying = _varying(read)
    return {
        name: {
            "n": len(group),
            **{statistic: float(group[statistic].median()) for statistic in varying},
            "framed": float(group["framed"].mean()),
            "coloured": float(group["coloured"].mean()),
        }
        for name, group in groups.items()
        if len(group)
    }


def class_from_statistics(images: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Return statistic to class to ``auc`` (of the statistic itself as a score, one class against the others) and n.

    0.5 says nothing, below 0.5 the class has the lower values. The annotated size exists for annotated images only, so
    there tumours are compared with each other. Left out where a side has fewer than ten images.
    """
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for statistic in _varying(images):
        known = images[images[statistic].notna()]
        entries = {}
        labels = class_names(known[Column.LABEL])
        for label in labels if len(labels) > 2 else labels[1:]:  # of two classes the second says all
            is_class = known[Column.LABEL] == label
            if min(is_class.sum(), (~is_class).sum()) >= _FEWEST:
                auc = float(roc_auc_score(is_class.to_numpy(), known[statistic].to_numpy()))
                entries[label] = {"auc": auc, "n": len(known)}
        if entries:
            result[statistic] = entries
    return result


def _varying(images: pd.DataFrame) -> list[str]:
    return [name for name in STATISTICS if len(images[name].dropna().unique()) > 1]
