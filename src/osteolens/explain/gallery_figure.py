"""The galleries as pictures: each radiograph beside the map of its answer and, where that is wrong, of the truth."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from osteolens.domain import NORMAL, Column
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.explain.cam import MapMethod, map_meaning
from osteolens.explain.captions import NO_LESION, answer_line, origin_line
from osteolens.explain.drawing import (
    CAPTION_SIZE,
    KEY_INCHES,
    PICTURE_INCHES,
    SCALE,
    colour_keys,
    draw_outline,
    heading,
    show,
)
from osteolens.explain.gallery import CHOICE, Group
from osteolens.explain.outline import OUTLINE_NOTE, outlined
from osteolens.explain.overlay import colour_ramp
from osteolens.explain.shown_maps import ShownImage
from osteolens.explain.views import View, Views
from osteolens.wording import capital

ACROSS = 6  # pictures in a line, where there are so many
NARROWEST = 4  # pictures: room for the headings
GAP = 0.02  # between the pictures of an image, as a share of their height
LETTERS = 46  # of a caption over the width of a picture
CAPTION_INCHES, HEADING_INCHES, TITLE_INCHES = 1.0, 0.4, 1.5
TITLE = (
    "{name}. Each radiograph and, laid over it, {meaning}.\n"
    f"Light blue: the outline of the lesion, where one was drawn; {OUTLINE_NOTE}.\n{CHOICE} {SCALE}"
)


def gallery_figure(
    groups: Sequence[Group], views: Views, *, shown: Mapping[int, ShownImage], method: MapMethod
) -> Figure:
    """Draw the gallery of one class.

    Parameters
    ----------
    groups
        Those of one class, one block of pictures each.
    shown
        Row to its facts and maps, for each row of the groups.
    """
    blocks = [{row: shown[row] for row in group.rows} for group in groups]
    wide = [1 + max((len(image.maps) for image in block.values()), default=1) for block in blocks]
    across = max(NARROWEST, *(min(ACROSS, len(block) * each) for block, each in zip(blocks, wide, strict=True)))
    lines = [-(-len(block) // (across // each)) for block, each in zip(blocks, wide, strict=True)]
    heights = [KEY_INCHES, *(HEADING_INCHES + (PICTURE_INCHES + CAPTION_INCHES) * max(0.1, count) for count in lines)]
    figure = Figure(figsize=(across * PICTURE_INCHES * (1 + GAP), sum(heights) + TITLE_INCHES), layout="constrained")
    figure.suptitle(_title(groups[0].class_name, blocks, method), fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=CAPTION_SIZE, color="0.35")
    key, *parts = figure.subfigures(1 + len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    meaning = map_meaning(method, "class named below the picture")
    colour_keys(key, (capital(meaning), colour_ramp(1, 256)))
    for part, group, block, each, count in zip(parts, groups, blocks, wide, lines, strict=True):
        heading(part, group.title)
        _draw_block(part.subplots(max(1, count), across // each, squeeze=False).ravel(), views, block)
    return figure


def _title(name: str, blocks: Sequence[Mapping[int, ShownImage]], method: MapMethod) -> str:
    meaning = map_meaning(method, "class that was answered and, where that is wrong, for the true class")
    title = TITLE.format(name=name, meaning=meaning)
    mapped = {laid.class_name for block in blocks for image in block.values() for laid in image.maps}
    return f"{title}\n{NO_LESION}" if NORMAL in mapped else title


def _draw_block(cells: NDArray[np.object_], views: Views, block: Mapping[int, ShownImage]) -> None:
    """Draw one image into each cell; those that are left over stay empty."""
    cell: Axes
    for cell in cells[len(block) :]:
        cell.axis("off")
    for cell, (row, image) in zip(cells, block.items(), strict=False):
        _draw(cell, views(row), image)


def _draw(cell: Axes, view: View, image: ShownImage) -> None:
    """Draw the radiograph and its maps side by side, the words on each map below it."""
    height, width = view.picture.shape
    gap = round(height * GAP)
    pictures = [np.repeat(view.picture[..., None], 3, axis=2), *(view.coloured(laid.cells) for laid in image.maps)]
    space = np.full((height, gap, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (space, picture)][1:]
    letters = round(LETTERS * width / max(height, width))
    told = (f"{image.facts[Column.IMAGE_ID]}: {answer_line(image.facts)}", origin_line(image.facts))
    show(cell, np.concatenate(row, axis=1), _filled(told, letters * len(pictures)))
    words = [_filled(laid.caption.split(": "), letters) for laid in image.maps]
    places = [(width - 1) / 2 + number * (width + gap) for number in range(1, len(pictures))]
    cell.set_xticks(places, words, fontsize=CAPTION_SIZE)
    cell.tick_params(length=0)
    if view.mask is not None and view.mask.any():
        spaced = np.pad(outlined(view.mask), ((0, 0), (0, gap)))
        draw_outline(cell, np.concatenate([spaced] * len(pictures), axis=1)[:, : -gap or None])


def _filled(lines: Sequence[str], letters: int) -> str:
    """Begin each of the lines anew, and break those that are longer than so many letters."""
    return "\n".join(textwrap.fill(line, letters) for line in lines)
