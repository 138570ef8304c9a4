"""The oddities of the real ZIP put right: which member goes where, which is left out and why.

The release wraps everything in ``BTXRD/``, repeats the annotations in ``Annotations/Annotations/``, holds the lock
file of an open Excel window, and its table only as a workbook.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from osteolens.data.columns import has_tumour_flags
from osteolens.data.schema import read_metadata
from osteolens.domain import IMAGE_SUFFIXES, Column
from osteolens.errors import DataError
from osteolens.storage import write_table

IMAGES, ANNOTATIONS, TABLE, WORKBOOK = "images", "Annotations", "dataset.csv", "dataset.xlsx"
RECORD, CHECKSUMS = "download.json", "SHA256SUMS"  # written by this package, never taken from a ZIP
NOTES = frozenset({".csv", ".json", ".md", ".pdf", ".txt", ".xlsx"})  # files that may lie beside the folders

LOCK_FILE = "lock file of Excel"
SYSTEM_FILE = "file of an operating system"
OUTSIDE = "file outside the folder of the data set"
UNKNOWN = "file without a place in the layout"
_SYSTEM_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})

Parts = tuple[str, ...]


@dataclass(slots=True)
class Plan:
    """Where the members of a ZIP belong.

    Attributes
    ----------
    wrapper
        Folder around the data set, "" without one.
    files
        Path in the data root to member.
    twins
        Path in the data root to a second member of the same name from a folder nested in itself.
    left_out
        Reason to the members it applies to.
    """

    wrapper: str
    files: dict[str, Parts] = field(default_factory=dict)
    twins: dict[str, Parts] = field(default_factory=dict)
    left_out: dict[str, list[Parts]] = field(default_factory=dict)

    def put_right(self) -> list[str]:
        """Return one sentence per kind of oddity."""
        lines = [f"taken out of the folder {self.wrapper}/"] if self.wrapper else []
        if self.twins:
            lines.append(f"{len(self.twins):,} annotation(s) repeated in {ANNOTATIONS}/{ANNOTATIONS}/ left out")
        for reason, members in self.left_out.items():
            more = " and others" if len(members) > 1 else ""
            lines.append(f"{len(members):,} left out, {reason}: {'/'.join(members[0])}{more}")
        return lines


def plan_layout(members: Iterable[Parts]) -> Plan:
    """Return where each member belongs.

    Parameters
    ----------
    members
        The parts of the names of the files, as :func:`archive.inspect` returns them.

    Raises
    ------
    DataError
        There is no one folder ``images/`` with pictures, or no metadata table beside it.
    """
    names = list(members)
    wrapper = _wrapper(names)
    plan = Plan("/".join(wrapper))
    nested: dict[str, Parts] = {}
    for parts in names:
        inner = parts[len(wrapper) :] if parts[: len(wrapper)] == wrapper else None
        reason = _reason_to_leave(parts, inner)
        if reason is not None or inner is None:
            plan.left_out.setdefault(reason or OUTSIDE, []).append(parts)
        elif len(inner) == 3:
            nested[f"{ANNOTATIONS}/{inner[2]}"] = parts
        else:
            plan.files["/".join(inner)] = parts
    for target, parts in nested.items():  # an annotation that is only in the nested folder is not lost
        (plan.twins if target in plan.files else plan.files)[target] = parts
    if not {TABLE, WORKBOOK} & plan.files.keys():
        raise DataError(
            f"the ZIP holds neither {WORKBOOK} nor {TABLE} beside {IMAGES}/: it is no data set of this kind."
        )
    return plan


def complete_metadata(root: Path) -> list[str]:
    """Write ``dataset.csv`` from ``dataset.xlsx`` where it is missing; return what was done and what is odd.

    Raises
    ------
    DataError
        The table breaks the schema (see :func:`osteolens.data.schema.read_metadata`).
    """
    if (root / TABLE).is_file():
        metadata = read_metadata(root / TABLE)
        lines = []
    else:
        metadata = read_metadata(root / WORKBOOK)
        write_table(root / TABLE, _as_released(metadata.frame))
        lines = [f"{TABLE} written from {WORKBOOK}"]
    if unusual := len(metadata.violations):
        lines.append(f"{unusual:,} unusual cells or rows of the metadata kept; osteolens audit lists them")
    return lines


def _as_released(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it was before it was read: whole years without decimals, no label that follows from flags."""
    table = frame.drop(columns=Column.LABEL) if has_tumour_flags(frame.columns) else frame.copy()
    if "age" in table:
        table["age"] = table["age"].map(lambda years: "" if pd.isna(years) else f"{years:g}")
    return table


def _wrapper(names: list[Parts]) -> Parts:
    """Return the folder that holds ``images/``: the outermost one, if there is only one."""
    holders = {parts[:-2] for parts in names if len(parts) >= 2 and parts[-2] == IMAGES and _is_picture(parts[-1])}
    holders = {holder for holder in holders if "__MACOSX" not in holder}
    if not holders:
        raise DataError(f"the ZIP holds no folder {IMAGES}/ with pictures: it is no data set of this kind.")
    depth = min(map(len, holders))
    outermost = sorted(holder for holder in holders if len(holder) == depth)
    if len(outermost) > 1:
        found = " and ".join("/".join((*holder, IMAGES)) for holder in outermost)
        raise DataError(f"the ZIP holds more than one data set ({found}). Make a ZIP of one of them.")
    return outermost[0]


def _reason_to_leave(parts: Parts, inner: Parts | None) -> str | None:
    name = parts[-1]
    if "__MACOSX" in parts or name in _SYSTEM_NAMES or name.startswith("._"):
        return SYSTEM_FILE
    if name.startswith("~$"):
        return LOCK_FILE
    if inner is None:
        return OUTSIDE
    return None if inner and _has_place(inner) else UNKNOWN  # no rest: a file of the wrapper's own name


def _has_place(inner: Parts) -> bool:
    name = inner[-1]
    suffix = PurePosixPath(name).suffix.lower()
    if name.startswith("."):
        return False
    if len(inner) == 1:
        return suffix in NOTES and name not in {RECORD, CHECKSUMS}
    if inner[:-1] == (IMAGES,):
        return _is_picture(name)
    return suffix == ".json" and inner[:-1] in {(ANNOTATIONS,), (ANNOTATIONS, ANNOTATIONS)}


def _is_picture(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)
