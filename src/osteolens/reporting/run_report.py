"""One self-contained page on a run: what its figures can be trusted for first, then the figures themselves."""

from __future__ import annotations

from pathlib import Path

import osteolens
from osteolens.reporting.case_chapter import case_chapter
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.decision_chapter import decision_chapter
from osteolens.reporting.honesty_chapter import honesty_chapter
from osteolens.reporting.html import count, render
from osteolens.reporting.map_chapter import map_chapter
from osteolens.reporting.performance_chapter import performance_chapter
from osteolens.reporting.recipe_chapter import data_chapter, training_chapter
from osteolens.reporting.robustness_chapter import robustness_chapter
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.subgroup_chapter import subgroup_chapter
from osteolens.storage import write_text

_LIMITS = """These are figures of one data set, one recipe and one seed. You may conclude how often this network
answered as the labels say on these images, within the intervals; where the split shares no cases, that holds for other
cases from the same sources too.

You may not conclude that it works at another hospital, on another device, or on the mixture of findings that a clinic
sees: precision in particular changes with how common each class is. Unless a split holds whole sources out, train and
test images come from the same sources, and a network may use marks of the source (markers, borders, blur, the part of
the body) instead of the lesion; a map that lies on the lesion makes that less likely but does not rule it out.

The labels are those of the data set and were not read again. Probabilities were calibrated on images of the same
sources at most; they are not risks of a patient."""


def write_run_report(run: RunResults, out: Path | None = None) -> Path:
    """Write the page and return where it lies.

    Parameters
    ----------
    out
        None means ``report.html`` in the run's folder.
    """
    page = render(
        "run.html.j2",
        title=f"Run report: {run.config.experiment}, split {run.name}",
        lead=_lead(run),
        chapters=_chapters(run),
    )
    return write_text(run.folder.report if out is None else out, page)


def _chapters(run: RunResults) -> list[Section]:
    return [
        honesty_chapter(run),
        performance_chapter(run),
        decision_chapter(run),
        case_chapter(run),
        subgroup_chapter(run),
        robustness_chapter(run),
        map_chapter(run),
        training_chapter(run),
        data_chapter(run),
        _limits(),
    ]


def _lead(run: RunResults) -> str:
    config, summary = run.config, run.summary
    return (
        f"{config.model.backbone} at {config.data.image_size} pixels (seed {config.seed}) names "
        f"{', '.join(run.class_names[:-1])} or {run.class_names[-1]} on radiographs of bone. It was tested on "
        f"{count(summary['n'])} of {count(len(run.manifest.frame))} images: the {run.part} part, "
        f"{count(summary['cases'])} cases."
    )


def _limits() -> Section:
    paragraphs = (*_LIMITS.split("\n\n"), osteolens.NOT_FOR_CLINICAL_USE)
    return Section("limits", "Limits", tuple(Block("text", paragraph) for paragraph in paragraphs))
