"""Numbers of one picture that can tell where it came from: brightness, sharpness, borders."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

SHARPNESS_SIDE = 256  # pixels; pictures of all sizes are compared at about the size a network sees
BLACK, WHITE = 8, 247  # grey levels; JPEG moves a black border by a few
_BORDER_SHARE = 0.95  # of a row or column, so that a marker in a border does not end it
_BLANK_SPREAD = 2.0  # grey levels


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """One picture.

    Attributes
    ----------
    mean, std
        Of the grey levels, 0 to 255.
    sharpness
        Variance of the Laplacian (Pech-Pacheco et al. 2000) with the longest side shrunk to 256 pixels, grey levels².
    black_border, white_border
        Share of the picture (0 to 1) in rows and columns along its edges that are black, or white, nearly throughout.
    framed
        Whether there is such a border on all four sides.
    """

    mean: float
    std: float
    sharpness: float
    black_border: float
    white_border: float
    framed: bool

    @property
    def blank(self) -> bool:
        """Whether the picture has one grey level throughout."""
        return self.std < _BLANK_SPREAD


def picture_facts(grey: Grey) -> PictureFacts:
    """Measure a grey picture [H, W]."""
    black, white = _border(grey <= BLACK), _border(grey >= WHITE)
    mean, std = cv2.meanStdDev(grey)
    return PictureFacts(
        mean=float(mean[0, 0]),
        std=float(std[0, 0]),
        sharpness=_sharpness(grey),
        black_border=_share(black, grey.shape),
        white_border=_share(white, grey.shape),
        framed=all(b or w for b, w in zip(black, white, strict=True)),
    )


def _sharpness(grey: Grey) -> float:
    scale = SHARPNESS_SIDE / max(grey.shape)
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in grey.shape)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _border(marked: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return how many rows at the top and bottom, then columns at the left and right of the rest, are marked."""
    top, bottom = _ends(marked.mean(axis=1))
    if top == len(marked):
        return top, bottom, 1, 1  # marked throughout, so on every side
    return top, bottom, *_ends(marked[top : len(marked) - bottom].mean(axis=0))


def _ends(shares: NDArray[np.float64]) -> tuple[int, int]:
    free = np.flatnonzero(shares < _BORDER_SHARE)
    return (int(free[0]), int(len(shares) - 1 - free[-1])) if len(free) else (len(shares), len(shares))


def _share(border: tuple[int, int, int, int], shape: tuple[int, ...]) -> float:
    top, bottom, left, right = border
    inside = max(shape[0] - top - bottom, 0) * max(shape[1] - left - right, 0)
    return 1 - inside / (shape[0] * shape[1])
