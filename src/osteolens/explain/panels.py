"""Panels that set a map beside the annotation: radiograph, annotation, map, overlay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.domain import Column
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.explain.agreement import MapAgreement
from osteolens.explain.cam import MapMethod, map_meaning
from osteolens.explain.captions import answer_line, origin_line
from osteolens.explain.cell_map import CellMap
from osteolens.explain.drawing import (
    CAPTION_SIZE,
    KEY_INCHES,
    PICTURE_INCHES,
    SCALE,
    colour_keys,
    draw_outline,
    draw_window,
    show,
)
from osteolens.explain.outline import OUTLINE_NOTE, outlined
from osteolens.explain.overlay import colour_ramp, coloured, map_ramp, overlay
from osteolens.explain.shown_maps import ShownImage
from osteolens.explain.views import View, Views
from osteolens.explain.zoom import LARGEST, Window, lesion_window
from osteolens.randomness import named_generator

TITLE = (
    "{chosen} of {all} annotated images, the smallest lesion first. Chosen blind to their scores: by chance, in turn "
    "over lesion sizes and classes,\nat most one image of a case. Light blue: the outline that a person drew; "
    f"{OUTLINE_NOTE}.\nOf lesions under {LARGEST:.0%} of the picture the white frame is enlarged. {SCALE}"
)
COLUMN_TITLES = ("Radiograph", "Annotation", "Map", "Overlay")
ENLARGED_TITLES = ("Annotation, enlarged", "Overlay, enlarged")
CAPTION_INCHES, HEADING_INCHES, TITLE_INCHES = 0.6, 0.3, 1.2


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
    chosen: Sequence[int],
    agreement: MapAgreement,
    views: Views,
    *,
    shown: Mapping[int, ShownImage],
    method: MapMethod,
) -> Figure:
    """Draw one row of four pictures per chosen image, two more where a small lesion is enlarged, and its scores below.

    Parameters
    ----------
    chosen
        Places in ``agreement.rows``, at least one.
    shown
        Row to its facts and maps, of which the last is that of the true class.
    """
    rows = agreement.rows[list(chosen)].tolist()
    seen = [views(row) for row in rows]
    windows = [None if view.mask is None else lesion_window(view.mask) for view in seen]
    titles = COLUMN_TITLES + ENLARGED_TITLES * any(windows)
    heights = [KEY_INCHES, *[PICTURE_INCHES + CAPTION_INCHES] * len(rows)]
    heights[1] += HEADING_INCHES
    figure = Figure(figsize=(len(titles) * (PICTURE_INCHES + 0.1), sum(heights) + TITLE_INCHES), layout="constrained")
    figure.suptitle(TITLE.format(chosen=len(rows), all=agreement.rows.size), fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=CAPTION_SIZE, color="0.35")
    key, *parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    meaning = map_meaning(method, "true class")
    colour_keys(key, (f"Map: {meaning}", map_ramp(1, 256)), ("Overlay: the same on grey bone", colour_ramp(1, 256)))
    for part, place, row, view, window in zip(parts, chosen, rows, seen, windows, strict=True):
        cells = part.subplots(1, len(titles))
        _draw_row(cells, view, shown[row].maps[-1].cells, window)
        part.supxlabel(_caption(shown[row], agreement, place), fontsize=CAPTION_SIZE, x=0.01, ha="left")
    for cell, title in zip(parts[0].axes, titles, strict=True):
        cell.set_title(title, fontsize=11)
    return figure


def _draw_row(cells: NDArray[np.object_], view: View, cell_map: CellMap, window: Window | None) -> None:
    """Draw the pictures of an image; cells beyond the fourth, where there are any, take the enlarged window."""
    heat = view.heat(cell_map)
    laid = overlay(view.picture, heat)
    axes: Axes
    for axes, picture in zip(cells, (view.picture, view.picture, coloured(heat), laid), strict=False):
        show(axes, picture)
    if view.mask is not None:
        line = outlined(view.mask)
        for axes in cells[1:4]:
            draw_outline(axes, line)
    if view.mask is not None and window is not None:
        draw_window(cells[1], window)
        for axes, picture in zip(cells[4:], (view.picture, laid), strict=True):
            _draw_enlarged(axes, picture, view.mask, window)
    else:
        for axes in cells[4:]:
            axes.axis("off")


def _draw_enlarged(axes: Axes, picture: NDArray[np.uint8], mask: NDArray[np.uint8], window: Window) -> None:
    """Show a part of a picture with the very edge of its lesions: the line is thin beside pixels of this size."""
    rows, columns = window
    show(axes, picture, f"{max(mask.shape) / (rows.stop - rows.start):.0f} times as large")
    draw_outline(axes, mask)
    axes.set(xlim=(columns.start - 0.5, columns.stop - 0.5), ylim=(rows.stop - 0.5, rows.start - 0.5))


def _caption(image: ShownImage, agreement: MapAgreement, place: int) -> str:
    facts, laid = image.facts, image.maps[-1]
    score = dict(zip(agreement.names, agreement.outline[place].tolist(), strict=True))
    ious = [name for name in agreement.names if name.startswith("iou_")]
    told = ", ".join(f"{score[name]:.2f}" for name in ious)
    at = ", ".join(name.removeprefix("iou_") for name in ious)
    line = f"{laid.caption}; IoU {told} at {at} of the maximum; pointing game {score['pointing_game']:.2f}"
    if not agreement.zero[place]:
        line += f"; energy in the lesion {score['energy']:.1%}, {score['energy_ratio']:.1f} times its area share"
    return f"{facts[Column.IMAGE_ID]}: {answer_line(facts)}; {origin_line(facts)}\n{line}"
