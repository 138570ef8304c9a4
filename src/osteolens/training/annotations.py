"""Which outlines training uses, and which pictures without a lesion are guided beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from osteolens.randomness import named_generator


def used_annotations(rows: Collection[int], labels: Sequence[int], share: float, seed: int) -> list[int]:
    """Choose a share of the outlined rows of each class, rounded and at least one; a smaller share is part of a larger.

    Parameters
    ----------
    rows
        Rows that have an outline.
    labels
        Class index of every row.
    share
        Above 0, at most 1.
    """
    chosen: list[int] = []
    for label in sorted({labels[row] for row in rows}):
        own = [row for row in sorted(rows) if labels[row] == label]
        order = named_generator(seed, "annotation share", label).permutation(len(own))
        chosen += [own[place] for place in order[: max(1, round(share * len(own)))]]
    return sorted(chosen)


def matched_lesion_free(outlined: Collection[int], labels: Sequence[int], normal: int, seed: int) -> list[int]:
    """Choose as large a share of the Normal rows as of the others is outlined, so that neither is told by guidance.

    Parameters
    ----------
    outlined
        Rows whose outlines are used; Normal ones among them are not chosen.
    normal
        Index of the class Normal.
    """
    others = [row for row, label in enumerate(labels) if label != normal]
    normals = [row for row, label in enumerate(labels) if label == normal and row not in set(outlined)]
    share = len(set(outlined) & set(others)) / max(1, len(others))
    order = named_generator(seed, "guided normals").permutation(len(normals))
    return sorted(normals[place] for place in order[: round(share * len(normals))])
