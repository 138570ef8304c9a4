"""The proof-of-concept report of an experiment: question, data, method, results, verdicts and next steps.

Every figure stands in a result file; verdicts and next steps follow from the figures by rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteolens.reporting import poc_data
from osteolens.reporting.advice import advice_on
from osteolens.reporting.chapters import Section
from osteolens.reporting.document import Document, blocks, write_document
from osteolens.reporting.poc_results import limits, meaning, results_chapter
from osteolens.reporting.poc_targets import Verdict, target_verdicts, targets_table
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import beside_blind, which_to_read

_LEAD = (
    "What a first series of runs shows, and what it does not. Written from the files of the runs; no figure was typed "
    "by hand, and verdicts and next steps follow from the figures by fixed rules. In brackets stand intervals."
)

REPORT_NAME = "poc_report.md"


def write_poc_report(runs: Sequence[RunResults], out_dir: Path, audit: Path | None) -> Path:
    """Write ``poc_report.md`` and ``poc_report.html`` into `out_dir` and return the former.

    Parameters
    ----------
    runs
        What :func:`osteolens.reporting.run_results.read_runs` returns.
    audit
        ``data_audit.json``; None, or a file that is not there, makes a report without the figures of the audit.

    Raises
    ------
    DataError
        The audit is damaged or from another version.
    """
    record = poc_data.read_audit(audit) if audit is not None and audit.is_file() else None
    return write_document(_poc_report(runs, record), out_dir / REPORT_NAME)


def _poc_report(runs: Sequence[RunResults], audit: dict[str, Any] | None) -> Document:
    verdicts = target_verdicts(runs)
    return Document(
        f"Proof-of-concept report: {runs[0].config.experiment}",
        _LEAD,
        tuple(_points(runs, verdicts)),
        (
            poc_data.question(runs),
            poc_data.data(runs, audit),
            poc_data.method(runs),
            results_chapter(runs),
            _targets(verdicts),
            meaning(runs),
            limits(runs),
            _next_steps(runs, audit),
        ),
    )


def _points(runs: Sequence[RunResults], verdicts: list[Verdict]) -> list[str]:
    """Return which figures to read, what is reached without pixels, and one sentence on each target."""
    told = []
    for verdict in verdicts:
        where = f"{verdict.run.name} reached {verdict.measured}: {verdict.answer}" if verdict.run else verdict.answer
        told.append(f"Target {verdict.aim}: {where}.")
    return [which_to_read(runs), *(beside_blind(run) for run in runs if not run.leaks), *told]


def _targets(verdicts: list[Verdict]) -> Section:
    return Section(
        "targets",
        "Targets first set",
        blocks(
            "They do not ask for cases to be kept apart, and a split that shares cases meets them more easily. One "
            "that was set for the whole grid is judged on every run. They do not say how maps are to be cut and "
            "against what; here maps are cut at half of their maximum and set against the outlines of the lesions. The "
            "results above have other cuts, and the boxes too.",
            targets_table(verdicts),
        ),
    )


def _next_steps(runs: Sequence[RunResults], audit: dict[str, Any] | None) -> Section:
    """Return what the figures advise, each step once with the findings of the runs that call for it."""
    honest = [run for run in runs if not run.leaks] or runs
    steps: dict[str, list[str]] = {}
    if problems := poc_data.audit_problems(audit):
        steps["Put the problems of the data audit right, or leave these images out."] = problems
    for run in honest:
        for advice in advice_on(run):
            prefix = f"Split {run.name}: " if len(honest) > 1 else ""
            steps.setdefault(advice.step, []).append(f"{prefix}{advice.finding}")
    return Section(
        "next",
        "Recommended next steps",
        blocks(
            f"Each follows from figures of {'the runs that share no case' if not honest[0].leaks else 'these runs'}; "
            "the finding stands behind it.",
            [f"{step} {' '.join(findings)}" for step, findings in steps.items()],
        ),
    )
