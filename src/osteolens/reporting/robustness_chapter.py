"""The chapter on corrupted pictures: what noise, blur and the like cost the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import EmbeddedFigure, percent
from osteolens.reporting.metric_table import MetricCell, MetricTable, difference_cell, metric_cell
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_tables import METRIC_NAMES

_METRICS = {  # with the heading of their loss
    "accuracy": "Loss of accuracy",
    "balanced_accuracy": "Loss of balanced accuracy",
    "macro_auc": "Loss of macro AUC",
}
_NO_GAIN = (
    "A loss of sensitivity below 0 is no gain by itself: more images are called malignant under the change, and the "
    "other classes may pay for it. The loss of balanced accuracy beside it counts every class alike."
)
_TITLE = "Robustness to corrupted pictures"


def robustness_chapter(run: RunResults) -> Section:
    """Return the losses by corruption and strength, or how to measure them."""
    if run.robustness is None:
        told = "This was not measured for this run. osteolens robustness measures it."
        return Section("robustness", _TITLE, (Block("text", told),))
    record = run.robustness
    blocks = [
        Block(
            "text",
            "The same images are answered again after a change that does not touch the diagnosis. A loss is the figure "
            "of the pictures as they are minus that of the changed ones: above 0 the change costs.",
        ),
        Block("list", list(_descriptions(record))),
        Block("wide", _figure(run, record)),
        Block("metrics", _table(record)),
    ]
    if _finds_more_malignant(record):
        blocks.append(Block("text", _NO_GAIN))
    if record["not_measured"]:
        blocks.append(Block("text", f"Not measured yet: {', '.join(record['not_measured'])}."))
    return Section("robustness", _TITLE, tuple(blocks))


def _descriptions(record: dict[str, Any]) -> Iterator[str]:
    for words in record["corruptions"].values():
        unit = "" if words["one_step"] else f" Strength: {words['unit']}."
        yield f"{words['title'].capitalize()}: {words['description'].rstrip('.')}.{unit}"


def _finds_more_malignant(record: dict[str, Any]) -> bool:
    losses = [point["loss"]["sensitivity"].get(MALIGNANT) for curve in record["curves"].values() for point in curve]
    return any(loss is not None and loss["value"] is not None and loss["value"] < 0 for loss in losses)


def _table(record: dict[str, Any]) -> MetricTable:
    kept = [("Clean", tuple(_cells(record, record["clean"], None)))]
    for name, words in record["corruptions"].items():
        for point in record["curves"][name]:
            label = words["title"].capitalize() + ("" if words["one_step"] else f" {point['strength']:g}")
            kept.append((label, tuple(_cells(record, point["scores"], point["loss"]))))
    headings = ["Pictures", *(heading for name, loss in _METRICS.items() for heading in (METRIC_NAMES[name], loss))]
    if MALIGNANT in record["class_names"]:
        headings += [f"Sensitivity {MALIGNANT}", "Loss of sensitivity"]
    caption = f"Figures of the {record['split']} part and losses, {percent(record['confidence'], 0)} intervals by case"
    return MetricTable("corruptions", caption, tuple(headings), tuple(kept))


def _cells(record: dict[str, Any], scores: dict[str, Any], loss: dict[str, Any] | None) -> Iterator[MetricCell]:
    """Yield each figure and its loss; the clean pictures have none."""
    for name in _METRICS:
        yield metric_cell(scores[name])
        yield MetricCell("") if loss is None else difference_cell(loss[name])
    if MALIGNANT in record["class_names"]:
        yield metric_cell(scores["sensitivity"][MALIGNANT])
        yield MetricCell("") if loss is None else difference_cell(loss["sensitivity"][MALIGNANT])


def _figure(run: RunResults, record: dict[str, Any]) -> EmbeddedFigure:
    losses = [
        f"{words['title']} {difference_cell(record['curves'][name][-1]['loss']['accuracy']).text}"
        for name, words in record["corruptions"].items()
    ]
    return EmbeddedFigure(
        run.figures["corruption_curves"],
        "Losses by kind and strength of the change.",
        f"Curves of losses. Loss of accuracy at the greatest strength: {', '.join(losses)}.",
    )
