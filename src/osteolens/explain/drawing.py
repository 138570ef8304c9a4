"""What galleries and panels share: a grid of grey or coloured pictures with captions beneath and lesion outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

OUTLINE_COLOUR = "#00E5FF"  # far from every colour of the map, also for colour-blind readers
CAPTION_SIZE = 7.5
PICTURE_INCHES = 1.9


def show(axes: Axes, picture: NDArray[np.uint8], caption: str = "") -> None:
    """Show a grey [H, W] or RGB [H, W, 3] picture; the caption stands below it, never on it."""
    grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
    axes.imshow(picture, interpolation="antialiased", **grey)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(caption, fontsize=CAPTION_SIZE, linespacing=1.25)


def draw_outline(axes: Axes, mask: NDArray[np.uint8]) -> None:
    """Draw the edge of a mask [H, W] with a dark rim, so that it is seen on white bone and on black air."""
    padded = np.pad(mask > 0, 1).astype(np.float32)  # closes the line of a lesion that touches the border
    places = [np.arange(-1, length + 1) for length in mask.shape]
    lines = axes.contour(places[1], places[0], padded, levels=[0.5], colors=OUTLINE_COLOUR, linewidths=1.0)
    lines.set_path_effects([withStroke(linewidth=2.2, foreground="black")])
    axes.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def heading(part: SubFigure, text: str) -> None:
    """Write the heading of a block of pictures, left-aligned."""
    part.suptitle(text, x=0.01, ha="left", fontsize=10, fontweight="bold")
