"""The score on evaluated images with and without a sibling, an image of the same case, in the train part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.evaluation.facts import ImageFacts
from osteolens.evaluation.headline import headline, separate_difference
from osteolens.evaluation.resampling import Resampling

NO_MANIFEST = (
    "it is not known which images the model was trained on (osteolens eval takes a table of them with --split-table)"
)


def sibling_scores(facts: ImageFacts, resampling: Resampling) -> dict[str, Any]:
    """Score the two halves and take their difference.

    The halves differ in more than their siblings: large cases, and classes and sources whose images come in large
    cases, lie in the half with siblings. Balanced accuracy is free of the mix of classes, nothing of the rest.

    Returns
    -------
    dict
        ``possible``, and where it is not, ``reason``. Else ``cases_known`` (false: every image is a case of its own,
        so siblings go unseen); ``with_sibling`` and ``without_sibling``: ``n`` and, where that is not 0, the headline
        figures of :func:`~osteolens.evaluation.headline.headline` and ``per_source_n``; ``difference``, with minus
        without, in the form of :func:`~osteolens.evaluation.headline.separate_difference`, or None where either half
        is empty.
    """
    if facts.train is None:
        return {"possible": False, "reason": NO_MANIFEST}
    if Column.CASE not in facts.train or (facts.train[Column.CASE] == "").any():
        return {"possible": False, "reason": "the manifest does not give the case of every image"}
    cases = facts.evaluated[Column.CASE]
    has_sibling = cases.isin(set(facts.train[Column.CASE])).to_numpy()
    difference = None
    if has_sibling.any() and not has_sibling.all():
        seen, new = facts.table.subset(has_sibling), facts.table.subset(~has_sibling)
        difference = separate_difference(seen, new, resampling)
    return {
        "possible": True,
        "cases_known": not pd.concat([facts.train[Column.CASE], cases]).is_unique,
        "with_sibling": _half(facts, has_sibling, resampling),
        "without_sibling": _half(facts, ~has_sibling, resampling),
        "difference": difference,
    }


def _half(facts: ImageFacts, chosen: NDArray[np.bool_], resampling: Resampling) -> dict[str, Any]:
    if not chosen.any():
        return {"n": 0}
    counts = facts.evaluated.loc[chosen, Column.SOURCE].value_counts().sort_index()
    per_source = {str(name): int(count) for name, count in counts.items()}
    return {**headline(facts.table.subset(chosen), resampling), "per_source_n": per_source}
