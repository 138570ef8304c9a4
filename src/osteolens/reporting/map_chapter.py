"""The chapter on class-activation maps: how they agree with the annotation, and galleries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import EmbeddedFigure, as_jpeg
from osteolens.reporting.metric_table import MetricTable, count_cell, metric_cell, metric_text
from osteolens.reporting.run_results import MapResults, RunResults
from osteolens.reporting.run_tables import level
from osteolens.wording import counted

NO_MAPS = "The maps were not made for this run. osteolens gradcam makes them."
_SCORES = {
    "pointing_game": "Pointing game",
    "energy": "Energy in the lesion",
    "area_share": "Lesion's share of the area",
    "energy_ratio": "Energy / area share",
}
_EXPLAINED = (
    "A class-activation map shows which places raised the score of a class. It is set beside the outline of the lesion "
    "that a person drew, and beside a centre prior: the same bright spot in the middle of every image, which needs no "
    "network. IoU is the overlap of the outline with the places above that share of the map's maximum. The pointing "
    "game asks whether the strongest point lies in the lesion. Energy is the share of the map inside the lesion; "
    "divided by the lesion's share of the area, 1 means no preference."
)


def map_chapter(run: RunResults) -> Section:
    """Return what the maps agree with, or how to make them."""
    if run.maps is None:
        blocks = [Block("text", NO_MAPS)]
    else:
        report = run.maps.report
        blocks = [Block("text", sentence) for sentence in map_sentences(report)]
        blocks += [Block("metrics", table) for table in _tables(run, report)]
        blocks += [Block("wide", figure) for figure in _figures(run.maps)]
    return Section("maps", "Where the network looked", tuple(blocks))


def map_sentences(report: dict[str, Any]) -> list[str]:
    """Return what is measured, what the pointing game found, and warnings."""
    return [_EXPLAINED, _sentence(report), *report.get("warnings", [])]


def map_table(run: RunResults, report: dict[str, Any]) -> MetricTable:
    """Return the scores of the maps beside those of a map that always marks the centre."""
    columns = {"Maps": report["overall"], "Centre prior": report["centre_prior"]}
    if "all_shapes" in report:
        columns["Maps, boxes included"] = report["all_shapes"]
    rows = [
        (label, tuple(metric_cell(column[key]) for column in columns.values()))
        for key, label in _score_names(report["overall"])
    ]
    caption = f"Agreement with the annotation, mean over images, {level(run)} intervals"
    return MetricTable(f"{run.anchor}-maps", caption, ("Score", *columns), tuple(rows))


def _tables(run: RunResults, report: dict[str, Any]) -> Iterator[MetricTable]:
    if report["n"]:
        yield map_table(run, report)
        for grouping, title in (("per_class", "Class"), ("per_size_band", "Lesion's share of the image")):
            table = _group_table(report, grouping, title)
            if table.rows:
                yield table


def _group_table(report: dict[str, Any], grouping: str, title: str) -> MetricTable:
    """Return the scores of the maps by ``per_class`` or ``per_size_band``; groups without an image are left out."""
    scores = list(_score_names(report["overall"]))
    rows = [
        (
            name,
            (
                count_cell(group["n"]),
                count_cell(group["cases"]),
                *(metric_cell(group[key]) for key, _ in scores),
            ),
        )
        for name, group in report[grouping].items()
        if group["n"]
    ]
    headings = (title, "Images", "Cases", *(label for _, label in scores))
    return MetricTable(f"maps-{grouping}", f"Maps by {title[0].lower()}{title[1:]}", headings, tuple(rows))


def _score_names(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in scores:
        label = f"IoU at {key.removeprefix('iou_')}" if key.startswith("iou_") else _SCORES.get(key)
        if label is not None:
            yield key, label


def _sentence(report: dict[str, Any]) -> str:
    """Return what the pointing game found, in words."""
    maps, prior = report["overall"]["pointing_game"], report["centre_prior"]["pointing_game"]
    if maps["value"] is None or prior["value"] is None:
        return f"No map could be scored: {maps['reason'] or prior['reason']}."
    return (
        f"The strongest point of the map lies in the lesion in a share of {metric_text(maps)} of the "
        f"{counted(report['n'], 'annotated image')} ({counted(report['cases'], 'case')}). The centre prior hits a "
        f"share of {metric_text(prior)}."
    )


def _figures(maps: MapResults) -> Iterator[EmbeddedFigure]:
    """Yield the comparison panel and the galleries."""
    if maps.comparison is not None:
        ious = [
            f"IoU at {key.removeprefix('iou_')} {metric_text(entry)}"
            for key, entry in maps.report["overall"].items()
            if key.startswith("iou_")
        ]
        yield EmbeddedFigure(
            as_jpeg(maps.comparison),
            "Radiograph, annotation, map of the true class, overlay; images chosen blind to their score.",
            f"Maps beside annotations. Mean over all annotated images: {', '.join(ious)}.",
        )
    for name, png in maps.galleries.items():
        groups = maps.index["galleries"][name]["groups"]
        shown = ", ".join(f"{kind} {len(group['shown'])} of {group['total']}" for kind, group in groups.items())
        yield EmbeddedFigure(
            as_jpeg(png),
            f"{name}: the most confident right (TP) and wrong (FP, FN) answers. Shown: {shown}.",
            f"Gallery of the class {name} with maps of the answered class. Shown: {shown}.",
        )
