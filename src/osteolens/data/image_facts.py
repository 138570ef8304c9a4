"""What is known of each image beside its pixels: the columns by which evaluation makes subgroups and blind models."""

from __future__ import annotations

import pandas as pd

from osteolens.data.audit.annotations import annotation_columns, scan_annotations
from osteolens.data.columns import REGIONS, SITES, SUBTYPES, VIEWS
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column

SUBGROUP_FLAGS = {"site": SITES, "subtype": SUBTYPES, "region": REGIONS, "view": VIEWS}


def image_metadata(data: RadiographSet) -> pd.DataFrame:
    """Return image_id, the :func:`subgroup_columns`, and lesion_area: the outlines' share of the image, 0 to 1.

    One row per image of the data set, in its order. lesion_area is NaN where no lesion is drawn; an annotation that
    cannot be read counts as none, since the audit tells of it.
    """
    lesions = annotation_columns(data.frame, scan_annotations(data.annotations_dir))
    return data.frame[[Column.IMAGE_ID]].assign(**subgroup_columns(data.frame), lesion_area=lesions["lesion_area"])


def subgroup_columns(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return age, gender, site, subtype, region and view of each image as text, several joined by ``+``."""
    columns = {name: frame[name].map(_plain).tolist() for name in ("age", "gender") if name in frame}
    for name, flags in SUBGROUP_FLAGS.items():
        present = [flag for flag in flags if flag in frame]
        if present:
            marked = frame[present].to_numpy() == 1
            columns[name] = ["+".join(flag for flag, on in zip(present, row, strict=True) if on) for row in marked]
    return columns


def _plain(value: object) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing for a missing value."""
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
