"""Pictures that no network needs to see: blank, coloured, of text, of noise. Each gate is one number and its limits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.images import Grey, Reading
from osteolens.inference.answer import Objection

LOOK_SIDE = 256  # pixels: every picture is averaged to this square, so that the limits hold at any size
_LIGHT = 200  # grey value from which a ground counts as light
_NOTICED = 1e-4  # share of the pixels from which a grey value counts; sharp edges make a few of every value
_SAME = 3  # grey levels to either side that count as the same; JPEG moves an even ground by a few


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture looks like from afar; all but sizes and colour are of the picture averaged to 256 x 256.

    Attributes
    ----------
    shorter_side
        Of the whole picture, in pixels.
    elongation
        Longer over shorter side of the whole picture.
    colour
        Share (0 to 1) of pixels whose colour channels differ.
    spread
        Standard deviation of the grey values.
    levels
        Number of grey values that more than 1 of 10,000 pixels have.
    likeness
        Correlation of neighbouring pixels, across or down, whichever is less.
    detail
        Standard deviation of the Laplacian over that of the grey values.
    light_ground
        Largest share (0 to 1) of the pixels within 3 levels of one light grey value, 200 or more.
    """

    shorter_side: float
    elongation: float
    colour: float
    spread: float
    levels: float
    likeness: float
    detail: float
    light_ground: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Refuses pictures of which one number of :class:`Look` lies outside `lowest` to `highest`."""

    name: str
    reason: str
    fact: str
    lowest: float = -np.inf
    highest: float = np.inf

    def refuses(self, look: Look) -> bool:
        """Tell whether the number lies outside; an undefined one does not."""
        value = getattr(look, self.fact)
        return bool(value < self.lowest or value > self.highest)


# The limits lie well outside all that the train and val parts of BTXRD's case split hold (docs/results/novelty.md);
# sizes and proportions are those that its metadata and annotations tell.
GATES = (
    Gate("tiny", "it is too small to show a bone in detail", "shorter_side", lowest=96),
    Gate("elongated", "it is more than five times as long as wide", "elongation", highest=5),
    Gate("colour", "it is in colour; a radiograph is grey", "colour", highest=0.2),
    Gate("blank", "it is blank or nearly so", "spread", lowest=5),
    Gate("few-greys", "it holds hardly any shades of grey, as drawings do", "levels", lowest=32),
    Gate("scattered", "neighbouring points differ as in noise or in print", "likeness", lowest=0.75),
    Gate("light-ground", "most of it is an even light ground, as of a page", "light_ground", highest=0.65),
    Gate("smooth", "it holds no fine detail at all", "detail", lowest=0.04),
)


def objections(look: Look) -> list[Objection]:
    """Return what the gates have against a picture, in their order; nothing where it may be a radiograph."""
    return [
        Objection(gate.name, f"does not look like a radiograph: {gate.reason}") for gate in GATES if gate.refuses(look)
    ]


def look_at(reading: Reading, *, colour: float = 0.0) -> Look:
    """Measure a grey picture; numbers that a blank picture does not have are NaN."""
    height, width = reading.shape
    small = _averaged(reading.grey)
    counts = np.bincount(small.ravel(), minlength=256)
    values = small.astype(np.float32)
    spread = float(values.std())
    return Look(
        shorter_side=min(height, width),
        elongation=max(height, width) / min(height, width),
        colour=colour,
        spread=spread,
        levels=int((counts > _NOTICED * small.size).sum()),
        likeness=min(_correlation(values[:, 1:], values[:, :-1]), _correlation(values[1:], values[:-1])),
        detail=float(cv2.Laplacian(values, cv2.CV_32F).std()) / spread if spread > 0 else np.nan,
        light_ground=float(np.convolve(counts, np.ones(2 * _SAME + 1), "same")[_LIGHT:].max()) / small.size,
    )


def _averaged(grey: Grey) -> Grey:
    """Shrink by averaging, then enlarge what is smaller: OpenCV averages only when no side grows."""
    smaller = (min(LOOK_SIDE, grey.shape[1]), min(LOOK_SIDE, grey.shape[0]))
    picture = cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(picture, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return Pearson's correlation of two arrays of a shape, NaN where one of them is constant."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum(dtype=np.float64) * (other * other).sum(dtype=np.float64)))
    return float((one * other).sum(dtype=np.float64)) / scale if scale > 0 else np.nan
