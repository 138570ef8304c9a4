"""The chapter on cases of several views: one answer for all of them beside the answer to one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.headline import METRICS
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.comparison_tables import p_text
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import fixed, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, difference_cell, metric_cell, metric_text
from osteolens.reporting.run_tables import METRIC_NAMES
from osteolens.wording import counted

_RULE = (
    "The answer for a case is the geometric mean of the probabilities of its views (the mean of their logarithms), "
    "brought back to a sum of 1; each view weighs the same. {} Beside it stands one view drawn evenly from each case: "
    "the figure to be expected, without drawing. Each case counts once on both sides, so the figures differ from those "
    "of images above."
)
_CALIBRATED = {
    "temperature": "The probabilities are those after temperature scaling.",
    "as_predicted": "The probabilities are those as predicted, since no temperature was fitted.",
}
_LIMITS_OF = (
    "Limits of the single view and of differences are percentiles of resampled cases, of its accuracy and sensitivity "
    "Wilson's. Only views in the {} part are combined. Thresholds and prediction sets were chosen for single images: "
    "what they promise is not promised of answers for cases."
)


def case_chapter(run: EvaluationResults) -> Section:
    """Return what was compared, the figures, and what agreement of the views is worth."""
    record = run.case_answers
    left_out = list(_excluded(record["excluded"]))
    if record["possible"]:
        sentences = [_verdict(record["several_views"], run), _agreement(record["agreement"]), *left_out]
        blocks = [
            Block("text", _RULE.format(_CALIBRATED[record["probabilities"]])),
            *_tables(run),
            Block("list", sentences),
            Block("soft", _LIMITS_OF.format(run.part)),
        ]
    else:
        blocks = [Block("text", f"Answers for cases were not evaluated: {record['reason']}.")]
        blocks += [Block("list", left_out)] if left_out else []
    return Section("cases", "Several views of one case", tuple(blocks))


def _tables(run: EvaluationResults) -> Iterator[Block]:
    yield Block("metrics", _table(run, "several_views", "Cases of several views"))
    if run.case_answers["all_cases"]["n"] > run.case_answers["several_views"]["n"]:
        yield Block("metrics", _table(run, "all_cases", "All cases, those of one view among them"))


def _table(run: EvaluationResults, key: str, title: str) -> MetricTable:
    group = run.case_answers[key]
    difference = _entries(group["difference"], run)
    rows = (
        *(
            (name, tuple(metric_cell(entry) for entry in _entries(group[side], run).values()))
            for side, name in (("case_answer", "Answer for the case"), ("single_view", "One of its views"))
        ),
        ("Difference", tuple(difference_cell(entry) for entry in difference.values())),
        ("P-value of the difference", tuple(MetricCell(p_text(entry["p_value"])) for entry in difference.values())),
    )
    counts = ", ".join(f"{number} {name}" for name, number in group["per_class_cases"].items())
    level = percent(run.case_answers["confidence"], 0)
    sizes = f"{counted(group['cases'], 'case')} ({counts}) of {counted(group['n'], 'view')}"
    return MetricTable(f"cases-{key}", f"{title}: {sizes}, {level} intervals", ("Answer", *difference), rows)


def _entries(scores: dict[str, Any], run: EvaluationResults) -> dict[str, dict[str, Any]]:
    """Return heading to entry."""
    of_class = ("auc", "sensitivity") if MALIGNANT in run.class_names else ()
    return {
        **{METRIC_NAMES[metric]: scores[metric] for metric in METRICS},
        **{f"{METRIC_NAMES[metric]} {MALIGNANT}": scores[metric][MALIGNANT] for metric in of_class},
    }


def _verdict(group: dict[str, Any], run: EvaluationResults) -> str:
    """Return in which figures the answer for a case is better or worse, by whether the interval leaves out 0."""
    told = {name: entry for name, entry in _entries(group["difference"], run).items() if entry["low"] is not None}
    better = [name for name, entry in told.items() if entry["low"] > 0]
    worse = [name for name, entry in told.items() if entry["high"] < 0]
    parts = [f"{word} in {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
    if not parts:
        return "In no figure does the answer for a case of several views differ clearly from that to one of them."
    rest = "" if len(better) + len(worse) == len(told) else "; in the others no clear difference shows"
    return f"The answer for a case of several views does {' and '.join(parts)} than that to one of them{rest}."


def _agreement(found: dict[str, Any]) -> str:
    """Return how often the answer is right where the views agree on a class, and where they do not."""
    parts = [
        f"in {counted(found[key]['cases'], 'case')} {words}{_right(found[key])}"
        for key, words in (("agree", "all views name the same class"), ("differ", "they do not"))
    ]
    return (
        f"Of cases of several views, {'; '.join(parts)}. The two least alike views of a case lie "
        f"{fixed(found['median_divergence_bits'], 2)} bit apart in the median (Jensen-Shannon divergence: 0 where the "
        "probabilities are the same, 1 where each is sure of another class)."
    )


def _right(share: dict[str, Any]) -> str:
    return f" and the answer is right in {metric_text(share)} of them" if share["cases"] else ""


def _excluded(excluded: dict[str, dict[str, int]]) -> Iterator[str]:
    """Yield which images are left out, and why."""
    reasons = {
        "grouped": ("group", "of normals that are grouped by sex and age only: they show different patients"),
        "several_labels": ("case", "whose images bear different labels: no one answer is right for all of them"),
    }
    for key, (noun, reason) in reasons.items():
        if (left := excluded[key])["n"]:
            yield f"Left out: {counted(left['n'], 'image')} in {counted(left['cases'], noun)} {reason}."
