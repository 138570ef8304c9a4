"""What galleries and panels share: pictures with captions beneath, lesion outlines, keys to the colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

OUTLINE_COLOUR = "#00E5FF"  # far from every colour of the map, also for colour-blind readers
CAPTION_SIZE = 9
PICTURE_INCHES = 3.1  # 434 pixels at the figures' resolution
KEY_INCHES = 0.75
SCALE = "Every map is scaled to its own maximum, so colours tell places of one picture apart, not pictures."
_LINE, _RIM = 0.8, 1.7  # points


def show(axes: Axes, picture: NDArray[np.uint8], caption: str = "") -> None:
    """Show a grey [H, W] or RGB [H, W, 3] picture, smoothly enlarged; the caption stands below it, never on it."""
    grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
    axes.imshow(picture, interpolation="hanning", **grey)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(caption, fontsize=CAPTION_SIZE, linespacing=1.25)


def draw_outline(axes: Axes, mask: NDArray[np.uint8]) -> None:
    """Draw the edge of a mask [H, W] thin and with a dark rim, so that it is seen on white bone and on black air.

    The line covers a pixel on either side of the edge; :func:`osteolens.explain.outline.outlined` keeps it off small
    lesions.
    """
    padded = np.pad(mask > 0, 1).astype(np.float32)  # closes the line of a lesion that touches the border
    places = [np.arange(-1, length + 1) for length in mask.shape]
    lines = axes.contour(places[1], places[0], padded, levels=[0.5], colors=OUTLINE_COLOUR, linewidths=_LINE)
    lines.set_path_effects([withStroke(linewidth=_RIM, foreground="black")])
    axes.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def draw_window(axes: Axes, window: tuple[slice, slice]) -> None:
    """Frame a part of a picture, rows and columns, which is shown enlarged elsewhere."""
    rows, columns = window
    size = columns.stop - columns.start, rows.stop - rows.start
    frame = Rectangle((columns.start - 0.5, rows.start - 0.5), *size, fill=False, edgecolor="white", linewidth=_LINE)
    frame.set_path_effects([withStroke(linewidth=_RIM, foreground="black")])
    axes.add_patch(frame)


def heading(part: SubFigure, text: str) -> None:
    """Write the heading of a block of pictures, left-aligned."""
    part.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold")


def colour_keys(part: SubFigure, *keys: tuple[str, NDArray[np.uint8]]) -> None:
    """Draw keys to the colours, each a title and a strip of colours, RGB [height, width, 3], from none to strongest."""
    cells = part.subplots(1, 2 * len(keys) + 1, width_ratios=(1, *(2, 1) * len(keys)))
    for side in cells[::2]:
        side.axis("off")
    for strip, (title, colours) in zip(cells[1::2], keys, strict=True):
        strip.imshow(colours, aspect="auto")
        strip.set(yticks=[], xticks=[0, colours.shape[1] - 1], xticklabels=["none", "strongest in the picture"])
        strip.set_title(title, fontsize=CAPTION_SIZE)
        strip.tick_params(length=0, labelsize=CAPTION_SIZE)
