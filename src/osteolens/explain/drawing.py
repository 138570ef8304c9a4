"""What galleries and panels share: a grid of pictures with captions beneath, lesion outlines, a key to the colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from osteolens.explain.overlay import colour_ramp

OUTLINE_COLOUR = "#00E5FF"  # far from every colour of the map, also for colour-blind readers
CAPTION_SIZE = 9
PICTURE_INCHES = 3.1  # 434 pixels at the figures' resolution
KEY_INCHES = 0.75
SCALE = "Every map is scaled to its own maximum, so colours tell places of one picture apart, not pictures."


def show(axes: Axes, picture: NDArray[np.uint8], caption: str = "") -> None:
    """Show a grey [H, W] or RGB [H, W, 3] picture, smoothly enlarged; the caption stands below it, never on it."""
    grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
    axes.imshow(picture, interpolation="hanning", **grey)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(caption, fontsize=CAPTION_SIZE, linespacing=1.25)


def draw_outline(axes: Axes, mask: NDArray[np.uint8]) -> None:
    """Draw the edge of a mask [H, W] thin and with a dark rim, so that it is seen on white bone and on black air."""
    padded = np.pad(mask > 0, 1).astype(np.float32)  # closes the line of a lesion that touches the border
    places = [np.arange(-1, length + 1) for length in mask.shape]
    lines = axes.contour(places[1], places[0], padded, levels=[0.5], colors=OUTLINE_COLOUR, linewidths=0.8)
    lines.set_path_effects([withStroke(linewidth=1.9, foreground="black")])
    axes.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def heading(part: SubFigure, text: str) -> None:
    """Write the heading of a block of pictures, left-aligned."""
    part.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold")


def colour_key(part: SubFigure, meaning: str) -> None:
    """Draw how a grey radiograph is coloured from no evidence to the strongest, and say what that means."""
    _, strip, _ = part.subplots(1, 3, width_ratios=(1, 2, 1))
    for side in (part.axes[0], part.axes[2]):
        side.axis("off")
    strip.imshow(colour_ramp(1, 256), aspect="auto")
    strip.set(yticks=[], xticks=[0, 255], xticklabels=["none", "strongest in the picture"])
    strip.set_title(meaning[:1].upper() + meaning[1:], fontsize=CAPTION_SIZE)
    strip.tick_params(length=0, labelsize=CAPTION_SIZE)
