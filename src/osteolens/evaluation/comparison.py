"""Runs on splits side by side: their figures, what is lost from a leaking split to an honest one, model against model.

Everything is worked out from predictions tables and a few facts on each; the published figures and the targets are
copied in, so that one record holds every number that a page on the comparison shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from osteolens.domain import BTXRD_CLASSES
from osteolens.errors import EvaluationError
from osteolens.evaluation.compared_run import EASIEST_FIRST, HONEST_FIRST, ComparedRun, TrainOverlap
from osteolens.evaluation.fixed_specificity import AT_SPECIFICITY, SPECIFICITY, malignant_at_specificity
from osteolens.evaluation.headline import headline
from osteolens.evaluation.overlap import overlapping_difference
from osteolens.evaluation.pairs import correct_p_values, paired_comparisons
from osteolens.evaluation.published import Published, load_published
from osteolens.evaluation.resampling import Resampling


def compare_runs(runs: Sequence[ComparedRun], resampling: Resampling) -> dict[str, Any]:
    """Work out the comparison.

    Parameters
    ----------
    runs
        Each has a name of its own, one part, and the same classes as the others.

    Returns
    -------
    dict
        ``confidence``, ``resamples``, ``seed``, ``resampled_by``, ``specificity``, ``class_names``;
        ``runs``, those on new cases first and those on leaking splits last, each with its facts and ``figures``;
        ``gaps``, for each experiment and each two of its splits that differ in kind, the easier one less the harder
        one (:func:`osteolens.evaluation.overlap.overlapping_difference`), and ``gaps_refused``, those that could not
        be told, with reasons; ``comparisons`` of two experiments on the same images, first less second, with
        ``p_value`` and ``p_holm``; ``not_compared``, with reasons; ``holm``, see
        :func:`osteolens.evaluation.pairs.correct_p_values`; ``published``, those that share no case first, and
        ``targets`` (:mod:`osteolens.evaluation.published`), both empty unless the classes are those of BTXRD.

    Raises
    ------
    EvaluationError
        There is no run, two have one name, their classes differ, or a table holds several splits.

    Notes
    -----
    Holm's correction is made for each figure by itself, over all pairs of runs in the record that have a p-value for
    it. Reading several figures of a pair is not corrected for. AUC of single classes is compared by DeLong's test, all
    else by resampling cases.
    """
    _check(runs)
    ordered = sorted(runs, key=lambda run: HONEST_FIRST.index(run.kind))
    comparisons, refused = paired_comparisons(ordered, resampling)
    gaps, gaps_refused = _gaps(ordered, resampling)
    names = runs[0].table.class_names
    published = load_published() if set(names) == set(BTXRD_CLASSES) else Published((), ())
    systems = sorted(published.systems, key=lambda system: (False, None, True).index(system.leaks))
    return {
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "seed": resampling.seed,
        "resampled_by": "case",
        "specificity": SPECIFICITY,
        "class_names": list(names),
        "runs": [_run_record(run, resampling) for run in ordered],
        "gaps": gaps,
        "gaps_refused": gaps_refused,
        "comparisons": comparisons,
        "not_compared": refused,
        "holm": correct_p_values(comparisons, resampling),
        "published": [asdict(system) | {"caveats": list(system.caveats)} for system in systems],
        "targets": [asdict(target) for target in published.targets],
    }


def _check(runs: Sequence[ComparedRun]) -> None:
    if not runs:
        raise EvaluationError("there is no run to compare. Name run folders or predictions tables.")
    labels = [run.label for run in runs]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise EvaluationError(f"several runs are called {'; '.join(twice)}. Give each an experiment name of its own.")
    for run in runs:
        if len(run.table.splits) > 1:
            raise EvaluationError(
                f"{run.label} holds the splits {', '.join(run.table.splits)}; compare one part only: choose it with "
                "part()."
            )
        if set(run.table.class_names) != set(runs[0].table.class_names):
            raise EvaluationError(
                f"{run.label} has the classes {', '.join(run.table.class_names)}, {labels[0]} has "
                f"{', '.join(runs[0].table.class_names)}. Compare models of the same classes."
            )


def _run_record(run: ComparedRun, resampling: Resampling) -> dict[str, Any]:
    found = headline(run.table, resampling)
    counts = {key: found.pop(key) for key in ("n", "cases", "per_class_n")}
    return {
        "label": run.label,
        "experiment": run.experiment,
        "scheme": run.scheme,
        "part": run.table.splits[0],
        **counts,
        "kind": run.kind,
        "cases_known": run.knows_cases,
        "train_overlap": _overlap_record(run.overlap),
        "figures": found | {AT_SPECIFICITY: malignant_at_specificity(run.table, resampling)},
    }


def _overlap_record(overlap: TrainOverlap | None) -> dict[str, Any] | None:
    if overlap is None:
        return None
    shared = {
        name: {"n": images, "shared": found, "shared_fraction": found / images if images else None}
        for name, (found, images) in overlap.shared.items()
    }
    return {"shared": shared, "copies": overlap.copies, "new_sources": overlap.new_sources}


def _gap_pairs(runs: Sequence[ComparedRun]) -> Iterator[tuple[ComparedRun, ComparedRun]]:
    """Yield the runs of one experiment that differ in kind, the easier one first; equal kinds are repeats, no gap."""
    easiest_first = sorted(runs, key=lambda run: EASIEST_FIRST.index(run.kind))
    for first, second in combinations(easiest_first, 2):
        if first.experiment == second.experiment and first.kind != second.kind:
            yield first, second


def _gaps(runs: Sequence[ComparedRun], resampling: Resampling) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the gaps, and the pairs whose gap cannot be told."""
    made: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for first, second in _gap_pairs(runs):
        names = {"experiment": first.experiment, "first": first.label, "second": second.label}
        try:
            made.append(names | overlapping_difference(first.table, second.table, resampling))
        except EvaluationError as error:
            refused.append(names | {"reason": str(error)})
    return made, refused
