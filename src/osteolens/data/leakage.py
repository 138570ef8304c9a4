"""leakcheck: how much of an evaluation part is recognition of cases that training has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.data.cases import builtin_cases, builtin_original_hashes
from osteolens.data.manifest import check_parts
from osteolens.domain import NORMAL, Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table


def leakcheck(path: Path, *, group_column: str | None = None, limit: float = 0.0) -> dict[str, Any]:
    """Measure, for any CSV of image ids and splits, which evaluation images have a sibling in the train part.

    Parameters
    ----------
    group_column
        Column of the CSV that names the patient or case. By default ``case_id`` where the CSV has it, else the
        built-in BTXRD case table.
    limit
        Largest share (0 to 1) of any evaluation part that may have an image of the same case, or a copy, in train.

    Returns
    -------
    dict
        ``evaluation`` → part → ``per_class`` → class → ``n``, ``shared``, ``shared_fraction``, and ``overall`` (and
        ``tumours`` where there is a class Normal) in the same form; ``passed``; ``sentence``.
    """
    table = read_table(path)
    if missing := {Column.IMAGE_ID, Column.SPLIT} - set(table.columns):
        raise DataError(f"{path} lacks the column(s) {', '.join(sorted(missing))}.")
    check_parts(table, str(path))
    return measure_leakage(table, _groups(table, path, group_column), limit=limit)


def measure_leakage(table: pd.DataFrame, groups: pd.DataFrame, *, limit: float = 0.0) -> dict[str, Any]:
    """Measure the leakage of a table with the columns split and (optionally) label; see :func:`leakcheck`.

    Parameters
    ----------
    groups
        Column case_id, and duplicate (a key that byte-identical files share) where it is known; same index.
    """
    train = (table[Column.SPLIT] == "train").to_numpy()
    flags = pd.DataFrame({"shared": groups[Column.CASE].isin(set(groups[Column.CASE][train]))}, index=table.index)
    if "duplicate" in groups:
        flags["duplicated"] = groups["duplicate"].isin(set(groups["duplicate"][train]))
    labels = table[Column.LABEL] if Column.LABEL in table else pd.Series("unlabelled", index=table.index)
    parts = [name for name in ("val", "test") if (table[Column.SPLIT] == name).any()]
    evaluation = {part: _part_leakage(flags, labels, (table[Column.SPLIT] == part)) for part in parts}
    leaks = flags.any(axis=1)
    worst = max((leaks[table[Column.SPLIT] == part].mean() for part in parts), default=0.0)
    return {
        "train_images": int(train.sum()),
        "limit": limit,
        "evaluation": evaluation,
        "passed": bool(evaluation) and bool(worst <= limit),
        "sentence": _sentence(evaluation),
    }


def _groups(table: pd.DataFrame, path: Path, group_column: str | None) -> pd.DataFrame:
    if group_column is not None and group_column not in table:
        raise DataError(f"{path} has no column {group_column}; it has {', '.join(table.columns)}.")
    column = group_column or (Column.CASE if Column.CASE in table else None)
    if column is not None:
        if (table[column] == "").any():
            raise DataError(f"the column {column} of {path} has {int((table[column] == '').sum())} empty cell(s).")
        return pd.DataFrame({Column.CASE: table[column]})
    stems = table[Column.IMAGE_ID].map(image_stem)
    known = builtin_cases()
    case_of = dict(zip(known[Column.IMAGE_ID].map(image_stem), known[Column.CASE], strict=True))
    if strangers := sorted(set(stems) - set(case_of)):
        raise DataError(
            f"{path} lists {len(strangers)} image(s) that are not in BTXRD, for example {strangers[0]}. "
            "Name the column of the patient or case with --group-column."
        )
    return pd.DataFrame({Column.CASE: stems.map(case_of), "duplicate": stems.map(builtin_original_hashes())})


def _part_leakage(flags: pd.DataFrame, labels: pd.Series[str], inside: pd.Series[bool]) -> dict[str, Any]:
    per_class = {name: _share(flags[inside & (labels == name)]) for name in sorted(set(labels[inside]))}
    result: dict[str, Any] = {"per_class": per_class, "overall": _share(flags[inside])}
    if NORMAL in per_class and len(per_class) > 1:
        result["tumours"] = _share(flags[inside & (labels != NORMAL)])
    return result


def _share(flags: pd.DataFrame) -> dict[str, Any]:
    shared = int(flags["shared"].sum())
    share: dict[str, Any] = {"n": len(flags), "shared": shared, "shared_fraction": shared / len(flags)}
    if "duplicated" in flags:
        share["duplicated"] = int(flags["duplicated"].sum())
    return share


def _sentence(evaluation: dict[str, Any]) -> str:
    if not evaluation:
        return "There is no val or test part, so there is nothing to check."
    sentences = []
    for part, entry in evaluation.items():
        if copies := entry["overall"].get("duplicated", 0):
            sentences.append(f"{copies} {part} image(s) are byte-identical to a train image.")
        share = entry.get("tumours", entry["overall"])
        what = "tumour images" if "tumours" in entry else "images"
        if entry["overall"]["shared"] == 0:
            sentences.append(f"No {part} image has another image of the same case in train.")
            continue
        sentences.append(
            f"{share['shared_fraction']:.1%} of the {part} {what} ({share['shared']} of {share['n']}) "
            "have another image of the same case in train."
        )
    return " ".join(sentences)
