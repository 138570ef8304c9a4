"""A radiograph and what was laid over it, side by side at their own size; all text stands around the pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from osteolens.explain.overlay import colour_ramp

LETTERS_PER_WIDTH = 40  # height of the letters: this part of a picture's width
SMALLEST_LETTERS = 11  # pixels
NARROWEST = 18  # letter heights: room for the words over a small picture
LINE = 1.35  # of the height of the letters
NONE, STRONGEST = "no evidence", "strongest"


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One picture with its words.

    Attributes
    ----------
    picture
        uint8 [H, W] or RGB [H, W, 3]; all panels of a figure have the same H and W.
    """

    title: str
    caption: str
    picture: NDArray[np.uint8]


def side_by_side(panels: Sequence[Panel], notes: Sequence[str]) -> NDArray[np.uint8]:
    """Set panels in one row, title and caption above each, and below them a colour bar and the notes.

    Returns
    -------
    ndarray
        uint8 RGB; each picture is in it pixel by pixel.
    """
    height, width = panels[0].picture.shape[:2]
    letters = max(SMALLEST_LETTERS, round(width / LETTERS_PER_WIDTH))
    column = max(width, NARROWEST * letters)
    whole = len(panels) * (column + letters) - letters
    heads = [_lines(panel.title, column, letters, bold=True) for panel in panels]
    captions = [_lines(panel.caption, column, letters) for panel in panels]
    told = [line for note in notes for line in _lines(note, whole, letters)]
    line = round(LINE * letters)
    top = letters + line * max(len(head) + len(words) for head, words in zip(heads, captions, strict=True))
    bottom = top + height + letters
    canvas = Image.new("RGB", (whole + 2 * letters, bottom + line * (len(told) + 2) + letters), "white")
    for place, panel in enumerate(panels):
        left = letters + place * (column + letters)
        below = _write(canvas, heads[place], (left, letters // 2), letters, bold=True)
        _write(canvas, captions[place], (left, below), letters)
        canvas.paste(Image.fromarray(panel.picture).convert("RGB"), (left, top))
    _draw_bar(canvas, (letters, bottom), letters)
    _write(canvas, told, (letters, bottom + 2 * line), letters)
    return np.asarray(canvas, np.uint8)


def _draw_bar(canvas: Image.Image, corner: tuple[int, int], letters: int) -> None:
    """Draw the key to the colours, with a word at either end."""
    font = _font(letters)
    left, top = corner
    length = NARROWEST * letters // 2
    start = left + round(font.getlength(NONE)) + letters // 2
    _write(canvas, [NONE], corner, letters)
    canvas.paste(Image.fromarray(colour_ramp(letters, length)), (start, top))
    _write(canvas, [STRONGEST], (start + length + letters // 2, top), letters)


def _lines(text: str, width: int, letters: int, *, bold: bool = False) -> list[str]:
    """Break a text into lines of at most about `width` pixels, long file names too."""
    if not text:
        return []
    mean = _font(letters, bold=bold).getlength(text) / len(text)
    return textwrap.wrap(text, max(8, int(0.95 * width / mean)))


def _write(
    canvas: Image.Image, lines: Sequence[str], corner: tuple[int, int], letters: int, *, bold: bool = False
) -> int:
    """Write lines from a corner (left, top) down and return where the next would stand."""
    draw, (left, top) = ImageDraw.Draw(canvas), corner
    for text in lines:
        draw.text((left, top), text, fill="black", font=_font(letters, bold=bold))
        top += round(LINE * letters)
    return top


@cache
def _font(letters: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    face = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")  # comes with matplotlib
    return ImageFont.truetype(findfont(face), letters)
