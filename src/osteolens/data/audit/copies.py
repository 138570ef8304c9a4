"""What an audit tells about pictures that occur twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from osteolens.data.audit.file_facts import FileFacts
from osteolens.data.cases import is_btxrd
from osteolens.data.duplicates import exact_duplicates, known_original_duplicates, near_duplicates
from osteolens.domain import Column, image_stem


def summarise_duplicates(images: pd.DataFrame, facts: dict[str, FileFacts], near_distance: int) -> dict[str, Any]:
    """Return groups of identical files, those whose labels differ, and pairs of pictures that look alike."""
    labels = dict(zip(images[Column.IMAGE_ID], images[Column.LABEL], strict=True))
    by_file = exact_duplicates({image_id: fact.sha256 for image_id, fact in facts.items()})
    by_original = _original_duplicates(labels)
    exact = _merged([*by_file, *by_original])
    conflicts = [group for group in exact if len({labels[name] for name in group}) > 1]
    return {
        "exact_groups": exact,
        "groups_by_file": len(by_file),
        "groups_by_original": len(by_original),
        "label_conflicts": [{"images": group, "labels": [labels[name] for name in group]} for group in conflicts],
        "near_distance": near_distance,
        "near_pairs": _near_pairs(images, facts, exact, near_distance),
    }


def _near_pairs(
    images: pd.DataFrame, facts: dict[str, FileFacts], exact: list[list[str]], near_distance: int
) -> list[dict[str, Any]]:
    """Return the near-duplicates that are not identical, with their labels and whether they are of one case."""
    by_id = images.set_index(Column.IMAGE_ID)
    labels, cases = by_id[Column.LABEL], by_id.get(Column.CASE)
    group_of = {name: number for number, group in enumerate(exact) for name in group}
    hashes = np.array([fact.perceptual_hash for fact in facts.values()], dtype=np.uint64)
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "distance": pair.distance,
            "labels": [labels[pair.first], labels[pair.second]],
            "same_case": None if cases is None else bool(cases[pair.first] == cases[pair.second]),
        }
        for pair in near_duplicates(facts, hashes, near_distance)
        if pair.first not in group_of or group_of[pair.first] != group_of.get(pair.second)
    ]


def _original_duplicates(labels: dict[str, str]) -> list[list[str]]:
    """Return the groups of these images whose originals are identical in the release; none unless this is BTXRD."""
    if not is_btxrd(labels):
        return []
    id_of = {image_stem(image_id): image_id for image_id in labels}
    groups = ([id_of[stem] for stem in group if stem in id_of] for group in known_original_duplicates())
    return [group for group in groups if len(group) > 1]


def _merged(groups: Iterable[list[str]]) -> list[list[str]]:
    """Join the groups that share a member."""
    merged: list[set[str]] = []
    for group in groups:
        touching = [other for other in merged if other & set(group)]
        merged = [other for other in merged if other not in touching] + [set(group).union(*touching)]
    return sorted(sorted(group) for group in merged)
