"""The shares of an evaluation part that have a sibling in train, by class and by kind of sibling."""

from __future__ import annotations

from typing import Any

import pandas as pd

from osteolens.data.duplicates import NEAR_DISTANCE
from osteolens.domain import BTXRD_CLASSES, NORMAL, Column


def measure_leakage(table: pd.DataFrame, groups: pd.DataFrame, *, limit: float = 0.0) -> dict[str, Any]:
    """Measure which evaluation images have a sibling in the train part.

    Parameters
    ----------
    table
        Columns split and (optionally) label.
    groups
        Column case_id; duplicate, a key that byte-identical files share, where it is known; near, whether an image
        looks like a train image, where pictures were compared; same index as `table`.
    limit
        Largest share (0 to 1) of any evaluation part that may have a sibling of any kind in train.

    Returns
    -------
    dict
        ``evaluation`` → part → ``per_class`` → class → ``n``, ``shared`` (images of the same case in train) and
        ``shared_fraction``, ``duplicated`` (a byte-identical copy in train) where known, ``near_duplicated`` (no such
        copy, but a look-alike) where known, ``leaking`` (any of these) and ``leaking_fraction``; ``overall`` (and
        ``tumours`` where the classes are BTXRD's) in the same form; ``passed``; ``sentence``.
    """
    train = (table[Column.SPLIT] == "train").to_numpy()
    flags = pd.DataFrame({"shared": groups[Column.CASE].isin(set(groups[Column.CASE][train]))}, index=table.index)
    if "duplicate" in groups:
        flags["duplicated"] = groups["duplicate"].isin(set(groups["duplicate"][train]))
    if "near" in groups:
        flags["near_duplicated"] = groups["near"] > flags.get("duplicated", False)
    labels = table[Column.LABEL] if Column.LABEL in table else pd.Series("", index=table.index)
    labels = labels.where(labels != "", "unlabelled")
    parts = [name for name in ("val", "test") if (table[Column.SPLIT] == name).any()]
    evaluation = {part: _part_leakage(flags, labels, table[Column.SPLIT] == part) for part in parts}
    worst = max((entry["overall"]["leaking_fraction"] for entry in evaluation.values()), default=0.0)
    return {
        "train_images": int(train.sum()),
        "limit": limit,
        "evaluation": evaluation,
        "passed": bool(evaluation) and worst <= limit,
        "sentence": _sentence(evaluation, cases_known=not groups[Column.CASE].is_unique),
    }


def _part_leakage(flags: pd.DataFrame, labels: pd.Series[str], inside: pd.Series[bool]) -> dict[str, Any]:
    per_class = {name: _share(flags[inside & (labels == name)]) for name in sorted(set(labels[inside]))}
    result: dict[str, Any] = {"per_class": per_class, "overall": _share(flags[inside])}
    if NORMAL in per_class and len(per_class) > 1 and set(per_class) <= set(BTXRD_CLASSES):
        result["tumours"] = _share(flags[inside & (labels != NORMAL)])
    return result


def _share(flags: pd.DataFrame) -> dict[str, Any]:
    shared, leaking = int(flags["shared"].sum()), int(flags.any(axis=1).sum())
    share: dict[str, Any] = {"n": len(flags), "shared": shared, "shared_fraction": shared / len(flags)}
    share |= {kind: int(flags[kind].sum()) for kind in ("duplicated", "near_duplicated") if kind in flags}
    return {**share, "leaking": leaking, "leaking_fraction": leaking / len(flags)}


def _sentence(evaluation: dict[str, Any], *, cases_known: bool) -> str:
    if not evaluation:
        return "There is no val or test part, so there is nothing to check."
    sentences = [sentence for part, entry in evaluation.items() for sentence in _part_sentences(part, entry)]
    if not cases_known:
        sentences.append("Every image counts as a case of its own, so images of the same patient would go unseen.")
    return " ".join(sentences)


def _part_sentences(part: str, entry: dict[str, Any]) -> list[str]:
    sentences = []
    if copies := entry["overall"].get("duplicated", 0):
        sentences.append(f"{copies} {part} image(s) are byte-identical to a train image.")
    if alike := entry["overall"].get("near_duplicated", 0):
        sentences.append(f"{alike} {part} image(s) look like a train image (hashes within {NEAR_DISTANCE} of 64 bits).")
    if entry["overall"]["shared"] == 0:
        return [*sentences, f"No {part} image has another image of the same case in train."]
    of_tumours = "tumours" in entry and entry["tumours"]["shared"] > 0  # normals of BTXRD share a case by rule only
    share = entry["tumours"] if of_tumours else entry["overall"]
    what = "tumour images" if of_tumours else "images"
    sentences.append(
        f"{share['shared_fraction']:.1%} of the {part} {what} ({share['shared']} of {share['n']}) "
        "have another image of the same case in train."
    )
    return sentences
