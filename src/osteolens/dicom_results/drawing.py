"""The picture that is burnt in: radiograph, colours of the map, outline of the region, and what must be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.region import region
from osteolens.dicom_results.wording import NOTICE, answer_lines, model_words, region_words
from osteolens.explain.drawing import OUTLINE_COLOUR
from osteolens.explain.overlay import overlay

NARROWEST = 640  # pixels: a narrower picture is enlarged, or its words would not be read
_LETTER = 1 / 36  # height of a letter as a share of the width: about 65 letters stand in a line
_MARGIN = 0.6  # of the height of a letter
_STRIP = 256  # rows coloured at a time: the arithmetic takes 50 times the memory of what it gives
_WARNING, _WORDS, _BACK = "#FFD54F", "#FFFFFF", "#000000"

Colours = NDArray[np.uint8]


def burnt_in(answered: AnsweredPicture) -> Colours:
    """Draw an answer on its radiograph, words above and below it, never on it.

    Returns
    -------
    numpy.ndarray
        RGB uint8 [height, width, 3], at least :data:`NARROWEST` wide; the radiograph is enlarged by a whole number
        where it is narrower.
    """
    picture = _enlarged(_outlined(answered))
    width = picture.shape[1]
    above = _words([NOTICE], width, _WARNING)
    below = _words([*answer_lines(answered), region_words(answered), model_words(answered)], width, _WORDS)
    return np.concatenate([above, picture, below])


def _outlined(answered: AnsweredPicture) -> Colours:
    """Return the radiograph coloured by its map, RGB, with the region outlined."""
    if answered.evidence is None:
        return np.repeat(answered.picture[..., None], 3, axis=2)
    coloured = np.empty((*answered.picture.shape, 3), np.uint8)
    for top in range(0, len(coloured), _STRIP):
        rows = slice(top, top + _STRIP)
        coloured[rows] = overlay(answered.picture[rows], answered.evidence.heat[rows])
    inside = region(answered.evidence)
    if inside is not None:
        edges, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(coloured, edges, -1, ImageColor.getrgb(OUTLINE_COLOUR), max(1, round(coloured.shape[1] / 800)))
    return coloured


def _enlarged(picture: Colours) -> Colours:
    times = -(-NARROWEST // picture.shape[1])
    if times == 1:
        return picture
    size = (picture.shape[1] * times, picture.shape[0] * times)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _words(sentences: Sequence[str], width: int, colour: str) -> Colours:
    """Write sentences on a strip as wide as the picture, RGB."""
    font = _font(round(_LETTER * width))
    gap = round(_MARGIN * font.size)
    lines = [line for sentence in sentences for line in _wrapped(sentence, font, width - 2 * gap)]
    step = round(1.3 * font.size)
    strip = Image.new("RGB", (width, len(lines) * step + 2 * gap), _BACK)
    draw = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        draw.text((gap, gap + number * step), line, fill=colour, font=font)
    return np.asarray(strip, np.uint8)


def _wrapped(sentence: str, font: ImageFont.FreeTypeFont, width: int) -> Iterator[str]:
    line = ""
    for word in sentence.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            yield line
            longer = word
        line = longer
    yield line


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
