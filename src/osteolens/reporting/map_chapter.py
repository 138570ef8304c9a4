"""The chapter on class-activation maps: how they agree with the annotation, and galleries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.domain import NORMAL
from osteolens.explain.captions import INPUT_AREA, NO_LESION
from osteolens.reporting.chapters import Block, Link, Section
from osteolens.reporting.html import EmbeddedFigure, as_jpeg
from osteolens.reporting.map_index import INDEX
from osteolens.reporting.metric_table import MetricTable, count_cell, difference_cell, metric_cell, metric_text
from osteolens.reporting.proof_section import proof_section
from osteolens.reporting.run_results import MapResults, RunResults
from osteolens.reporting.run_tables import level
from osteolens.wording import counted

NO_MAPS = "The maps were not made for this run. osteolens gradcam makes them."
_SCORES = {
    "ceiling": "Ceiling of the IoU",
    "average_precision": "Average precision",
    "pointing_game": "Pointing game",
    "pointing_ceiling": "Ceiling of the pointing game",
    "energy": "Energy in the lesion",
    "area_share": "Lesion's share of the input",
    "energy_ratio": "Energy / area share",
}
_IOU, _OF_CEILING = "iou_", "of_ceiling_"
_BASELINES = {"centre_prior": "Centre prior", "edge_density": "Edge density", "random_weights": "Random weights"}
_GROUPINGS = (
    ("per_class", "Class"),
    ("per_size_band", "Lesion's share of the input"),
    ("per_source", "Source"),
    ("per_subtype", "Subtype"),
)
_NOT_BY_GROUP = ("energy", "area_share")  # their ratio says both
_EXPLAINED = (
    "A class-activation map shows which places raised the score of a class. It is set beside the outline of the lesion "
    "that a person drew, and beside a centre prior: the same bright spot in the middle of every image, which needs no "
    "network. IoU is the overlap of the outline with the places above that share of the map's maximum. The pointing "
    "game asks whether the strongest point lies in the lesion. Energy is the share of the map inside the lesion; "
    f"divided by the lesion's share of {INPUT_AREA}, 1 means no preference."
)
_CEILING = (
    "A map has few cells, so even one that knows the lesion cannot follow its outline: the ceiling is the IoU of a map "
    "whose cells hold the lesion's share of their area, at its best threshold. An IoU is also given as a share of it; "
    "the pointing game has a ceiling too, since the strongest point is the centre of a cell, which can miss a lesion."
)
_AVERAGE_PRECISION = (
    "Average precision takes the map as a score of every pixel and needs no threshold. Without any preference it is "
    "the lesion's share of the input, 1 is perfect."
)
_EDGES = (
    "Edge density is a map of where the radiograph is rich in edges, as coarse as the network's. A map that is no "
    "better shows what is in the picture, not what the network looked for."
)
_RANDOM_WEIGHTS = (
    "Random weights are maps of the same network after its weights were replaced by random ones. What they reach comes "
    "from the build of the network and of the picture, not from training."
)
_DIFFERENCES = (
    "Differences are the map's score less the baseline's on the same image, averaged. Where the interval lies above 0, "
    "the map is better by more than chance between cases."
)
_BY_GROUP = (
    "Small groups have wide intervals and some are best or worst by chance. The baselines stand beside the pointing "
    "game; annotation_report.json has them for every score and group."
)
_ALL_MAPS = "All maps of annotated images and of the galleries: to filter, sort and enlarge"


def map_chapter(run: RunResults) -> Section:
    """Return what the maps agree with, or how to make them."""
    if run.maps is None:
        blocks = [Block("text", NO_MAPS)]
    else:
        report = run.maps.report
        blocks = [Block("text", sentence) for sentence in map_sentences(report)]
        blocks += _score_blocks(run, report) if report["n"] else []
        blocks.append(Block("link", Link(_ALL_MAPS, f"{run.folder.explanation.name}/{INDEX}")))
        blocks += [Block("text", NO_LESION)] * (NORMAL in run.maps.galleries)
        blocks += [Block("wide", figure) for figure in _figures(run.maps)]
    inner = () if run.maps is None else (proof_section(run.maps),)
    return Section("maps", "Where the network looked", tuple(blocks), inner)


def map_sentences(report: dict[str, Any]) -> list[str]:
    """Return what is measured, what the pointing game found, and warnings."""
    explained = (_EXPLAINED, _CEILING, _AVERAGE_PRECISION, _EDGES, _RANDOM_WEIGHTS)
    return [*explained, _sentence(report), *report["warnings"]]


def map_table(run: RunResults, report: dict[str, Any]) -> MetricTable:
    """Return the scores of the maps beside those of maps that know nothing of the task."""
    baselines = {label: report[name] for name, label in _BASELINES.items()}
    columns = {"Maps": report["overall"], **baselines, "Maps, boxes included": report["all_shapes"]}
    rows = [
        (label, tuple(metric_cell(column[key]) for column in columns.values()))
        for key, label in _score_names(report["overall"])
    ]
    caption = f"Agreement with the annotation, mean over images, {level(run)} intervals"
    return MetricTable(f"{run.anchor}-maps", caption, ("Score", *columns), tuple(rows))


def _score_blocks(run: RunResults, report: dict[str, Any]) -> list[Block]:
    """Return the tables of scores, the differences to the baselines and the scores by group."""
    groupings = [(name, title) for name, title in _GROUPINGS if any(group["n"] for group in report[name].values())]
    blocks = [
        Block("metrics", map_table(run, report)),
        Block("text", _DIFFERENCES),
        Block("metrics", _difference_table(run, report)),
        Block("text", _BY_GROUP),
    ]
    return blocks + [Block("metrics", _group_table(report, name, title)) for name, title in groupings]


def _difference_table(run: RunResults, report: dict[str, Any]) -> MetricTable:
    differences = {label: report["differences"][name] for name, label in _BASELINES.items()}
    rows = [
        (label, tuple(difference_cell(column[key]) for column in differences.values()))
        for key, label in _score_names(report["overall"])
        if all(key in column for column in differences.values())
    ]
    headings = ("Score", *(f"Map less {label[0].lower()}{label[1:]}" for label in differences))
    return MetricTable(f"{run.anchor}-map-differences", "Maps less baselines, paired by image", headings, tuple(rows))


def _group_table(report: dict[str, Any], grouping: str, title: str) -> MetricTable:
    """Return the scores of the maps by a grouping; groups without an image are left out."""
    scores = [
        (key, label)
        for key, label in _score_names(report["overall"])
        if key not in _NOT_BY_GROUP and not key.startswith(_OF_CEILING)
    ]
    groups = {name: group for name, group in report[grouping].items() if group["n"]}
    rows = [
        (
            name,
            (
                count_cell(group["n"]),
                count_cell(group["cases"]),
                *(metric_cell(group[key]) for key, _ in scores),
                *(metric_cell(group["baselines"][key]["pointing_game"]) for key in _BASELINES),
            ),
        )
        for name, group in groups.items()
    ]
    pointing = (f"Pointing game: {label[0].lower()}{label[1:]}" for label in _BASELINES.values())
    headings = (title, "Images", "Cases", *(label for _, label in scores), *pointing)
    return MetricTable(f"maps-{grouping}", f"Maps by {title[0].lower()}{title[1:]}", headings, tuple(rows))


def _score_names(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in scores:
        if key.startswith(_IOU):
            yield key, f"IoU at {key.removeprefix(_IOU)}"
        elif key.startswith(_OF_CEILING):
            yield key, f"Share of the ceiling at {key.removeprefix(_OF_CEILING)}"
        elif key in _SCORES:
            yield key, _SCORES[key]


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
            f"IoU at {key.removeprefix(_IOU)} {metric_text(entry)}"
            for key, entry in maps.report["overall"].items()
            if key.startswith(_IOU)
        ]
        yield EmbeddedFigure(
            as_jpeg(maps.comparison),
            "Radiograph, annotation, map of the true class with its probability, overlay; images chosen blind to their "
            "score, at most one of a case. Small lesions are enlarged.",
            f"Maps beside annotations. Mean over all annotated images: {', '.join(ious)}.",
        )
    for name, png in maps.galleries.items():
        groups = maps.index["galleries"][name]["groups"]
        shown = ", ".join(f"{kind} {len(group['shown'])} of {group['total']}" for kind, group in groups.items())
        yield EmbeddedFigure(
            as_jpeg(png),
            f"{name}: the most confident right (TP) and wrong (FP, FN) answers, at most one image of a case. Shown, of "
            f"all such images: {shown}. Below each map stand its class and the probability of that.",
            f"Gallery of the class {name} with maps of the answered class and, where that is wrong, of the true class. "
            f"Shown: {shown}.",
        )
