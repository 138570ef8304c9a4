"""The section on whether maps mean something: randomised weights, deletion and insertion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import EmbeddedFigure
from osteolens.reporting.metric_table import MetricCell, MetricTable, difference_cell, metric_cell, metric_text
from osteolens.reporting.run_results import MapResults
from osteolens.wording import counted

NO_PROOF = "Whether the maps mean something was not tried for this run. osteolens gradcam --proof tries it."
_LIKENESS = {
    "spearman": "Rank correlation",
    "overlap": "Overlap at half of the maximum",
    "same_maximum": "Same strongest cell",
}
_ORDERS = {"map": "Map", "random": "Random cells", "centre": "From the centre"}
_CASCADE = (
    "The weights of the network were made random, stage by stage from the head to the input, and the maps compared "
    "with those of the trained network. Maps that stay as they were would show the picture and not what the network "
    "learnt; maps of two different images are the reference."
)
_DELETION = (
    "Deletion blurs the pixels of an image in the order of the map and follows the probability of the class, insertion "
    "brings them back to the blurred image. A map that marks what the answer rests on has a smaller area under the "
    "deletion curve and a larger one under the insertion curve than the same done in random order or from the centre."
)


def proof_section(maps: MapResults) -> Section:
    """Return what randomised weights, deletion and insertion say of the maps, or how to try it."""
    if maps.proof is None:
        return _section([Block("text", NO_PROOF)])
    blocks = [Block("text", sentence) for sentence in _sentences(maps.proof)]
    blocks += [Block("metrics", table) for table in (_cascade_table(maps.proof), *_curve_tables(maps.proof))]
    if maps.proof_figure is not None:
        told = f"Likeness of the maps as weights are made random, deletion and insertion. {_areas(maps.proof)}."
        caption = (
            "Left: likeness to the trained network's map. Middle and right: probability of the class, mean of images."
        )
        blocks.append(Block("wide", EmbeddedFigure(maps.proof_figure, caption, told)))
    return _section(blocks)


def _section(blocks: list[Block]) -> Section:
    return Section("map-proof", "Whether the maps mean something", tuple(blocks))


def _sentences(proof: dict[str, Any]) -> Iterator[str]:
    steps = proof["randomisation"]["steps"]
    last, other = steps[-1]["spearman"], proof["randomisation"]["unrelated"]["spearman"]
    yield _CASCADE
    yield (
        f"On {counted(proof['n'], 'image')} ({counted(proof['cases'], 'case')}), with all weights random, the rank "
        f"correlation with the trained network's map is {metric_text(last)}. That of two different images is "
        f"{metric_text(other)}."
    )
    yield _DELETION
    yield f"{_areas(proof)}. What is not there is filled with {proof['deletion_insertion']['fill']}."


def _areas(proof: dict[str, Any]) -> str:
    found = {kind: proof["deletion_insertion"][kind]["auc"] for kind in ("deletion", "insertion")}
    told = [
        f"{kind} {metric_text(areas['map'])} by the map, {metric_text(areas['random'])} in random order"
        for kind, areas in found.items()
    ]
    return f"Areas under the curves: {'; '.join(told)}"


def _cascade_table(proof: dict[str, Any]) -> MetricTable:
    rows = [("Map of another image", proof["randomisation"]["unrelated"])]
    rows += [(f"Random down to {step['stage']}", step) for step in proof["randomisation"]["steps"]]
    cells = tuple((name, tuple(metric_cell(found[key]) for key in _LIKENESS)) for name, found in rows)
    caption = "Likeness to the map of the trained network, mean over images"
    return MetricTable("map-cascade", caption, ("Weights", *_LIKENESS.values()), cells)


def _curve_tables(proof: dict[str, Any]) -> Iterator[MetricTable]:
    for kind, better in (("deletion", "lower"), ("insertion", "higher")):
        found = proof["deletion_insertion"][kind]
        rows = []
        for order, label in _ORDERS.items():
            less = found["differences"].get(order)
            difference = MetricCell("") if less is None else difference_cell(less)
            rows.append((label, (metric_cell(found["auc"][order]), difference)))
        caption = f"Area under the {kind} curve ({better} is better)"
        yield MetricTable(f"map-{kind}", caption, ("Order", "Area", "Map less this"), tuple(rows))
