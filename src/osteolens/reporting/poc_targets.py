"""The targets first set for the experiment grid, and whether the runs of an experiment meet them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.published import Target, load_published
from osteolens.reporting.html import PageTable, percent
from osteolens.reporting.metric_table import metric_text
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_tables import run_label

NOT_MEASURED = "not measured"
_IOU = "iou_0.5"  # of a map against the outlines, cut at half of its maximum
_NAMES = {
    "accuracy": "accuracy",
    "malignant_sensitivity": "malignant sensitivity",
    "mean_iou": "mean IoU of maps at 0.5",
}
_SCHEMES = {"stratified split": "stratified", "center holdout": "center"}  # others are set for every run


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one target on one run; `run` is None where no run is of the split it was set for."""

    target: Target
    run: RunResults | None
    entry: dict[str, Any] | None

    @property
    def aim(self) -> str:
        """The target in words."""
        return f"{_NAMES[self.target.figure]} above {percent(self.target.above, 0)} ({self.target.where})"

    @property
    def measured(self) -> str:
        """The figure with its interval, or that there is none."""
        if self.entry is None:
            return "no such run" if self.run is None else NOT_MEASURED
        return metric_text(self.entry)

    @property
    def answer(self) -> str:
        """Whether the target was met, and whether the interval leaves that open."""
        if self.entry is None or self.entry["value"] is None:
            return NOT_MEASURED
        met = self.entry["value"] > self.target.above
        low, high = self.entry["low"], self.entry["high"]
        is_open = low is not None and low <= self.target.above < high
        return f"{'met' if met else 'not met'}{', but the interval holds the target' if is_open else ''}"


def target_verdicts(runs: Sequence[RunResults]) -> list[Verdict]:
    """Return the verdict on every target for every run that it was set for."""
    verdicts = []
    for target in load_published().targets:
        meant = [run for run in runs if _is_meant(run, _SCHEMES.get(target.where))]
        verdicts += [Verdict(target, run, _figure(run, target.figure)) for run in meant]
        verdicts += [] if meant else [Verdict(target, None, None)]
    return verdicts


def _is_meant(run: RunResults, scheme: str | None) -> bool:
    """Tell whether a target for `scheme` is for a run; a division from a file is of a scheme that its name bears."""
    if scheme is None or run.scheme == scheme:
        return True
    return run.scheme is None and scheme in re.split(r"[^a-z]+", run.name.lower())


def targets_table(verdicts: Sequence[Verdict]) -> PageTable:
    """Return one row per target and run."""
    rows = tuple(
        (verdict.aim, run_label(verdict.run) if verdict.run else "none", verdict.measured, verdict.answer)
        for verdict in verdicts
    )
    return PageTable(("Target", "Split", "Measured", "Verdict"), rows, "Targets first set for the experiment grid")


def _figure(run: RunResults, figure: str) -> dict[str, Any] | None:
    if figure == "mean_iou":
        return None if run.maps is None else run.maps.report["overall"].get(_IOU)
    if figure == "malignant_sensitivity":
        return run.summary["per_class"].get(MALIGNANT, {}).get("sensitivity")
    entry: dict[str, Any] | None = run.summary["overall"].get(figure)
    return entry
