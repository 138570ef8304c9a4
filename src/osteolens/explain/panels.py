"""Panels that set a map beside the annotation: radiograph, annotation, map, overlay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import MapAgreement
from osteolens.explain.cell_map import CellMap
from osteolens.explain.drawing import CAPTION_SIZE, PICTURE_INCHES, draw_outline, show
from osteolens.explain.overlay import colours, overlay
from osteolens.randomness import named_generator

TITLE = (
    "Maps (yellow: strongest {meaning}) and annotated lesions (light blue)\n"
    "One row per image, smallest lesion first; images chosen without regard to their scores"
)
COLUMN_TITLES = ("Radiograph", "Annotation", "Map", "Overlay")


def choose_panels(agreement: MapAgreement, labels: NDArray[np.int64], count: int, seed: int) -> list[int]:
    """Choose up to `count` annotated images, spread over lesion-size bands and classes, blind to their scores.

    Parameters
    ----------
    labels
        [N] true class index of the annotated images, in the order of ``agreement.rows``.
    seed
        Of the order within a band and class.

    Returns
    -------
    list
        Places in ``agreement.rows``, the smallest lesion first.
    """
    shuffled = named_generator(seed, "comparison panels").permutation(len(labels))
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
    pictures: NDArray[np.uint8],
    *,
    maps: Mapping[int, CellMap],
    masks: Mapping[int, NDArray[np.uint8]],
    meaning: str = "evidence for the true class",
) -> Figure:
    """Draw one row of four pictures per chosen image, with its scores below.

    Parameters
    ----------
    chosen
        Places in ``agreement.rows``, at least one.
    pictures
        uint8 [N, S, S] in the order of the table.
    maps, masks
        Row to the map [h, w] of the true class, and to the lesion mask [S, S].
    meaning
        What the maps show, in words.
    """
    width = len(COLUMN_TITLES) * (PICTURE_INCHES + 0.1)
    figure = Figure(figsize=(width, len(chosen) * (PICTURE_INCHES + 0.5) + 0.9), layout="constrained")
    figure.suptitle(TITLE.format(meaning=meaning), fontsize=10)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    parts = figure.subfigures(len(chosen), 1, squeeze=False)[:, 0]
    for number, (part, place) in enumerate(zip(parts, chosen, strict=True)):
        row = int(agreement.rows[place])
        picture, mask, heat = pictures[row], masks[row], maps[row].enlarged(*masks[row].shape)
        cells = part.subplots(1, len(COLUMN_TITLES))
        for cell, shown in zip(cells, (picture, picture, colour(heat), overlay(picture, heat)), strict=True):
            show(cell, shown)
        for cell in cells[1:]:
            draw_outline(cell, mask)
        for cell, title in zip(cells, COLUMN_TITLES if number == 0 else (), strict=False):
            cell.set_title(title, fontsize=9)
        part.supxlabel(_caption(table, row, agreement, place), fontsize=CAPTION_SIZE, x=0.01, ha="left")
    return figure


def colour(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a map [H, W] in 0 to 1 in the colours of the overlay, RGB [H, W, 3]."""
    return colours()[(heat.clip(0, 1) * 255).round().astype(np.uint8)].round().astype(np.uint8)


def _caption(table: PredictionsTable, row: int, agreement: MapAgreement, place: int) -> str:
    record: Any = table.frame.iloc[row]
    score = dict(zip(agreement.names, agreement.outline[place].tolist(), strict=True))
    ious = [name for name in agreement.names if name.startswith("iou_")]
    told = ", ".join(f"{score[name]:.2f}" for name in ious)
    at = ", ".join(name.removeprefix("iou_") for name in ious)
    if agreement.zero[place]:
        evidence = "no evidence for the true class: the map is 0 everywhere"
    else:
        evidence = f"energy in the lesion {score['energy']:.1%}, {score['energy_ratio']:.1f} times its area share"
    return (
        f"{record[Column.IMAGE_ID]}: truth {record[Column.LABEL]}, answer {record[Column.PREDICTED]} "
        f"(probability {table.probabilities[row].max():.2f}); lesion {score['area_share']:.2%} of the area\n"
        f"IoU {told} at {at} of the maximum; pointing game {score['pointing_game']:.2f}; {evidence}"
    )
