"""The honesty panel: what could make the figures of an evaluated part better than the model is."""

from __future__ import annotations

from typing import Any

from osteolens.domain import Column
from osteolens.evaluation.blind import blind_scores
from osteolens.evaluation.conclusion import conclude
from osteolens.evaluation.facts import ImageFacts
from osteolens.evaluation.headline import headline_of
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.siblings import NO_MANIFEST, sibling_scores
from osteolens.evaluation.subgroups import subgroup_scores
from osteolens.evaluation.within_source import within_source_scores


def honesty_panel(
    facts: ImageFacts, summary: dict[str, Any], resampling: Resampling, *, leakage: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the panel as plain values, fit for JSON.

    Whatever cannot be worked out from what is given is there with ``possible`` false and a ``reason``.

    Parameters
    ----------
    facts
        What :func:`osteolens.evaluation.facts.gather_facts` knows of the evaluated part.
    summary
        Of ``facts.table``, from the same `resampling`, see :func:`osteolens.evaluation.summary.summarise`.
    leakage
        What ``leakage.json`` of the run holds; passed on with ``possible``.

    Returns
    -------
    dict
        ``split``, ``confidence``, ``resamples``, ``resampled_by``, ``caveats`` of `summary`; ``scores``: its headline
        figures; ``leakage``; ``origins``: how many evaluated images are of a source that train has not; ``siblings``,
        ``blind``, ``within_sources`` and ``subgroups``, see the functions of these names in this block; and
        ``conclusion``: a paragraph that says, from these figures, what may and what may not be concluded;
        ``conclusion_sentences``: the same, one by one, the caveats first.
    """
    panel: dict[str, Any] = {
        **{key: summary[key] for key in ("split", "confidence", "resamples", "resampled_by")},
        "caveats": list(summary.get("caveats", ())),
        "scores": headline_of(summary),
        "leakage": _passed_on(leakage),
        "origins": unseen_origins(facts),
        "siblings": sibling_scores(facts, resampling),
        "blind": blind_scores(facts, resampling),
        "within_sources": within_source_scores(facts, resampling),
        "subgroups": subgroup_scores(facts, resampling),
    }
    sentences = conclude(panel)
    return {**panel, "conclusion": " ".join(sentences), "conclusion_sentences": sentences}


def _passed_on(leakage: dict[str, Any] | None) -> dict[str, Any]:
    if leakage is None:
        return {"possible": False, "reason": NO_MANIFEST}
    return {"possible": True, **leakage}


def unseen_origins(facts: ImageFacts) -> dict[str, Any]:
    """Return how many evaluated images come from a source (else a center) that the train part does not have.

    Returns
    -------
    dict
        ``possible``, and where it is not, ``reason``. Else ``column``, ``n`` (images whose origin is known),
        ``unseen_n`` and ``unseen``, the names of these origins.
    """
    if facts.train is None:
        return {"possible": False, "reason": NO_MANIFEST}
    for column in (Column.SOURCE, Column.CENTER):
        known = facts.evaluated.loc[facts.evaluated[column] != "", column]
        if column in facts.train and len(known) and (facts.train[column] != "").any():
            unseen = known[~known.isin(set(facts.train[column]))]
            found = {"n": len(known), "unseen_n": len(unseen), "unseen": sorted(set(unseen))}
            return {"possible": True, "column": column, **found}
    return {"possible": False, "reason": "neither source nor center is known of the train and the evaluated images"}
