"""The section on whether maps mean something: randomised weights, deletion and insertion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import EmbeddedFigure, fixed
from osteolens.reporting.metric_table import (
    NOT_DEFINED,
    MetricCell,
    MetricTable,
    difference_text,
    metric_cell,
)
from osteolens.reporting.proof_words import KINDS, cascade_sentence, class_sentences, draws_text, fill_sentences
from osteolens.reporting.run_results import MapResults
from osteolens.wording import counted

NO_PROOF = "Whether the maps mean something was not tried for this run. osteolens gradcam --proof tries it."
_LIKENESS = {
    "spearman": "Rank correlation",
    "overlap": "Overlap at half of the maximum",
    "same_maximum": "Same strongest cell",
}
_ORDERS = {"random": "Random cells", "body": "Random cells of the body", "centre": "From the centre"}
_CASCADE = (
    "The weights of the network were made random, stage by stage from the head to the input, and the maps compared "
    "with those of the trained network. Maps that stay as they were would show the picture and not what the network "
    "learnt; maps of other images with the same answer are the reference."
)
_DELETION = (
    "Deletion takes the pixels of an image away in the order of the map and follows the probability of the class that "
    "was answered, insertion brings them back. A map that marks what the answer rests on has a smaller area under the "
    "deletion curve and a larger one under the insertion curve than orders that know nothing of the answer. Random "
    "cells of the body are the ones to do better than: body against air is no merit of a map. A difference whose "
    "interval includes 0 shows nothing."
)
_CAPTION = (
    "Above: likeness to the trained network's map; area under the deletion and insertion curve of the map less that of "
    "the other orders, by answered class and fill. Below: probability of the class while pixels are taken away, mean "
    "of images."
)


def proof_section(maps: MapResults) -> Section:
    """Return what randomised weights, deletion and insertion say of the maps, or how to try it."""
    if maps.proof is None:
        return _section([Block("text", NO_PROOF)])
    proof = maps.proof
    blocks = [Block("text", _CASCADE), Block("text", cascade_sentence(proof))]
    blocks += [Block("metrics", _cascade_table(proof)), Block("text", _DELETION)]
    blocks += [Block("list", [*fill_sentences(proof["deletion_insertion"])])]
    blocks += [Block("list", [*class_sentences(proof)])]
    blocks += [Block("metrics", table) for table in _curve_tables(proof)]
    if maps.proof_figure is not None:
        told = f"Likeness of the maps as weights are made random, deletion and insertion. {_areas(proof)}."
        blocks.append(Block("wide", EmbeddedFigure(maps.proof_figure, _CAPTION, told)))
    return _section(blocks)


def _section(blocks: list[Block]) -> Section:
    return Section("map-proof", "Whether the maps mean something", tuple(blocks))


def _areas(proof: dict[str, Any]) -> str:
    told = [
        f"{kind}, {name}, {difference_text(fill[kind]['differences']['body'])}"
        for name, fill in proof["deletion_insertion"]["fills"].items()
        for kind in KINDS
    ]
    return f"Area of the map less that of random cells of the body, all classes: {'; '.join(told)}"


def _cascade_table(proof: dict[str, Any]) -> MetricTable:
    rows = [("Maps of other images", proof["randomisation"]["unrelated"], MetricCell(""))]
    rows += [
        (f"Random down to {step['stage']}", step, MetricCell(draws_text(step)))
        for step in proof["randomisation"]["steps"]
    ]
    cells = tuple((name, (*(metric_cell(found[key]) for key in _LIKENESS), draws)) for name, found, draws in rows)
    drawn = counted(proof["randomisation"]["draws"], "draw")
    caption = f"Likeness to the map of the trained network, mean over images and {drawn} of the weights"
    headings = ("Weights", *_LIKENESS.values(), "Rank correlation, single draws")
    return MetricTable("map-cascade", caption, headings, cells)


def _curve_tables(proof: dict[str, Any]) -> Iterator[MetricTable]:
    for name, fill in proof["deletion_insertion"]["fills"].items():
        for kind, better in KINDS.items():
            rows = [("All", _row(proof, fill[kind]))]
            for answered, drawn in proof["drawn"].items():
                rows.append((answered, _row(drawn, fill["per_answered_class"][answered][kind])))
            caption = f"Area under the {kind} curve by answered class, fill {name} ({better} is better)"
            headings = ("Answered class", "Images", "Map", *_ORDERS.values())
            yield MetricTable(f"map-{kind}-{name}", caption, headings, tuple(rows))


def _row(counts: dict[str, Any], found: dict[str, Any]) -> tuple[MetricCell, ...]:
    areas, differences = found["auc"], found["differences"]
    images = MetricCell(str(counts["n"]), counted(counts["cases"], "case"))
    return (images, metric_cell(areas["map"]), *(_other(areas[order], differences[order]) for order in _ORDERS))


def _other(area: dict[str, Any], difference: dict[str, Any]) -> MetricCell:
    """Return the area of another order with the map's difference beneath it."""
    if area["value"] is None:
        return MetricCell(NOT_DEFINED, note=area["reason"])
    return MetricCell(fixed(area["value"]), f"map {difference_text(difference)}", difference["reason"] or "")
