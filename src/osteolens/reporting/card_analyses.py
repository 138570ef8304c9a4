"""The chapters of a model card on what was found: quantitative analyses, ethical considerations, caveats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from osteolens.reporting.advice import advice_on
from osteolens.reporting.chapters import Section
from osteolens.reporting.dataset_words import DatasetWords
from osteolens.reporting.decision_chapter import decision_chapter
from osteolens.reporting.document import blocks, without_figures
from osteolens.reporting.honesty_chapter import blind_models, within_sources, worst_subgroups
from osteolens.reporting.html import PageTable, count
from osteolens.reporting.map_chapter import NO_MAPS, map_sentences, map_table
from osteolens.reporting.metric_table import MetricCell, MetricTable, metric_cell
from osteolens.reporting.performance_chapter import performance_chapter
from osteolens.reporting.robustness_chapter import robustness_chapter
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import missed
from osteolens.reporting.subgroup_chapter import resting_on, subgroup_chapter

_DECIDED = {"operating", "calibration", "conformal", "selective"}
_CROSSED = ("source", "sex")  # groupings whose classes are told apart


def quantitative_analyses(run: RunResults) -> Section:
    """Return the figures of all images and of each group, then those of groups within groups."""
    chapters = (
        replace(performance_chapter(run), title="Unitary results: all images and each class"),
        _confusion(run),
        blind_models(run, drawn=False),
        replace(subgroup_chapter(run), title="Unitary results by subgroup"),
        worst_subgroups(run),
        replace(within_sources(run), title="Intersectional: malignant against benign within each source"),
        _crossed(run),
        _decisions(run),
        _maps(run),
        robustness_chapter(run),
    )
    return Section("analyses", "Quantitative analyses", (), tuple(map(without_figures, chapters)))


def ethical_considerations(run: RunResults, words: DatasetWords) -> Section:
    """Return whose data these are, what can go wrong, and who could be harmed."""
    told = missed(run)
    points = [
        words.people,
        (
            "Sex and age are among the metadata. The case ids of own data may be numbers of patients; manifest and "
            "predictions beside this card hold them."
        ),
        *([f"The gravest error is a malignant tumour that is called something else. {told}"] if told else []),
        (
            "A figure that comes from shared cases, from the source or from what is written about an image, not from "
            "the disease, would not hold for a new patient. The analyses above measure this as far as the data allow."
        ),
        (
            "Figures by sex and age, with the number of images of each, stand in the tables by subgroup. They need not "
            "hold for groups that the data set hardly holds."
        ),
        "A confident answer can be wrong, and a map that lies on a lesion does not show that the answer rests on it.",
    ]
    return Section("ethics", "Ethical considerations", blocks(points))


def caveats(run: RunResults) -> Section:
    """Return what may be concluded, and what the figures advise."""
    advised = [f"{advice.step} {advice.finding}" for advice in advice_on(run)]
    return Section(
        "caveats",
        "Caveats and recommendations",
        sections=(
            Section(
                "conclusion",
                "What may be concluded",
                blocks(list(run.honesty["conclusion_sentences"])),
            ),
            Section(
                "advice",
                "Recommendations, and the findings that they follow from",
                blocks(advised),
            ),
        ),
        blocks=(),
    )


def _confusion(run: RunResults) -> Section:
    rows = tuple(
        (name, *map(count, answers))
        for name, answers in zip(run.class_names, run.summary["confusion_matrix"], strict=True)
    )
    table = PageTable(("Truth", *(f"Answered as {name}" for name in run.class_names)), rows, "Images")
    return Section("confusion", "Which class is taken for which", blocks(table))


def _decisions(run: RunResults) -> Section:
    """Return the chapter on decisions without what is a figure above all: decision curves and prior shift."""
    chapter = decision_chapter(run)
    return replace(chapter, sections=tuple(inner for inner in chapter.sections if inner.key in _DECIDED))


def _maps(run: RunResults) -> Section:
    """Return how the maps agree with the outlines over all images."""
    if run.maps is None:
        told, table = [NO_MAPS], None
    else:
        report = run.maps.report
        told, table = map_sentences(report), map_table(run, report) if report["n"] else None
    return Section("maps", "Where the network looked", blocks(*told, table))


def _crossed(run: RunResults) -> Section:
    """Return the share of right answers by class within sources and within the sexes."""
    groupings = run.honesty["subgroups"]["groupings"]
    rows = [
        (
            f"{grouping}: {group}",
            tuple(_sensitivity(scores, name) for name in run.class_names),
        )
        for grouping in _CROSSED
        for group, scores in groupings.get(grouping, {}).items()
    ]
    headings = ("Group", *(f"Sensitivity {name}" for name in run.class_names))
    table = MetricTable("crossed", "Share of right answers, by class within each group", headings, tuple(rows))
    nothing = None if rows else "Neither source nor sex divides the evaluated images, so there is nothing to cross."
    return Section("crossed", "Intersectional: classes within source and sex", blocks(table, nothing))


def _sensitivity(scores: dict[str, Any], name: str) -> MetricCell:
    if not scores["per_class_n"][name]:
        return MetricCell("no image")
    return resting_on(metric_cell(scores["sensitivity"][name]), scores, name)
