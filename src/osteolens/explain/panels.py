"""Panels that set a map beside the annotation: radiograph, annotation, map, overlay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import MapAgreement
from osteolens.explain.captions import answer_line, image_facts, origin_line
from osteolens.explain.cell_map import CellMap
from osteolens.explain.drawing import (
    CAPTION_SIZE,
    KEY_INCHES,
    PICTURE_INCHES,
    SCALE,
    colour_key,
    draw_outline,
    show,
)
from osteolens.explain.overlay import coloured
from osteolens.explain.views import View, Views
from osteolens.randomness import named_generator

TITLE = (
    "{chosen} of {all} annotated images, the smallest lesion first. Chosen blind to their scores: by chance,\n"
    "in turn over lesion sizes and classes, at most one image of a case. Light blue: the outline that a person drew.\n"
    f"{SCALE}"
)
COLUMN_TITLES = ("Radiograph", "Annotation", "Map", "Overlay")
CAPTION_INCHES, TITLE_INCHES = 0.5, 1.2


def choose_panels(
    agreement: MapAgreement, labels: NDArray[np.int64], cases: NDArray[np.str_], count: int, seed: int
) -> list[int]:
    """Choose up to `count` annotated images, spread over lesion-size bands and classes, blind to their scores.

    Parameters
    ----------
    labels, cases
        [N] true class index and case of the annotated images, in the order of ``agreement.rows``.
    seed
        Of the order within a band and class.

    Returns
    -------
    list
        Places in ``agreement.rows``, the smallest lesion first; no two of one case.
    """
    shuffled = named_generator(seed, "comparison panels").permutation(len(labels))
    shuffled = shuffled[np.sort(np.unique(cases[shuffled], return_index=True)[1])]
    bands, classes = (np.unique(values, return_inverse=True)[1] for values in (agreement.bands, labels))
    taken: dict[tuple[int, int], int] = {}
    ranked = []
    for place in shuffled.tolist():
        band, label = int(bands[place]), int(classes[place])
        turn = taken[band, label] = taken.get((band, label), -1) + 1
        # One image of every band before a second one, with the classes in turn from band to band.
        ranked.append((turn, (band + label) % (int(classes.max()) + 1), band, place))
    chosen = [place for *_, place in sorted(ranked)[:count]]
    return sorted(chosen, key=lambda place: (agreement.area_share[place], place))


def comparison_figure(
    chosen: list[int],
    agreement: MapAgreement,
    table: PredictionsTable,
    views: Views,
    *,
    maps: Mapping[int, CellMap],
    meaning: str = "evidence for the true class",
) -> Figure:
    """Draw one row of four pictures per chosen image, with its scores below.

    Parameters
    ----------
    chosen
        Places in ``agreement.rows``, at least one.
    maps
        Row to the map [h, w] of the true class.
    meaning
        What the maps show, in words.
    """
    heights = [KEY_INCHES, *[PICTURE_INCHES + CAPTION_INCHES] * len(chosen)]
    width = len(COLUMN_TITLES) * (PICTURE_INCHES + 0.1)
    figure = Figure(figsize=(width, sum(heights) + TITLE_INCHES), layout="constrained")
    figure.suptitle(TITLE.format(chosen=len(chosen), all=agreement.rows.size), fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=CAPTION_SIZE, color="0.35")
    key, *parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    colour_key(key, meaning)
    for part, place in zip(parts, chosen, strict=True):
        row = int(agreement.rows[place])
        _draw_row(part.subplots(1, len(COLUMN_TITLES)), views(row), maps[row])
        part.supxlabel(_caption(table, agreement, place), fontsize=CAPTION_SIZE, x=0.01, ha="left")
    for cell, title in zip(parts[0].axes, COLUMN_TITLES, strict=True):
        cell.set_title(title, fontsize=11)
    return figure


def _draw_row(cells: NDArray[np.object_], view: View, heat: CellMap) -> None:
    shown = (view.picture, view.picture, coloured(view.heat(heat)), view.coloured(heat))
    axes: Axes
    for axes, picture in zip(cells, shown, strict=True):
        show(axes, picture)
    for axes in cells[1:]:
        if view.mask is not None:
            draw_outline(axes, view.mask)


def _caption(table: PredictionsTable, agreement: MapAgreement, place: int) -> str:
    facts = image_facts(table, int(agreement.rows[place]), float(agreement.area_share[place]))
    score = dict(zip(agreement.names, agreement.outline[place].tolist(), strict=True))
    ious = [name for name in agreement.names if name.startswith("iou_")]
    told = ", ".join(f"{score[name]:.2f}" for name in ious)
    at = ", ".join(name.removeprefix("iou_") for name in ious)
    if agreement.zero[place]:
        evidence = "no evidence for the true class: the map is 0 everywhere"
    else:
        evidence = f"energy in the lesion {score['energy']:.1%}, {score['energy_ratio']:.1f} times its area share"
    return (
        f"{facts[Column.IMAGE_ID]}: {answer_line(facts)}; {origin_line(facts)}\n"
        f"IoU {told} at {at} of the maximum; pointing game {score['pointing_game']:.2f}; {evidence}"
    )
