"""What can go wrong with a radiograph before anybody classifies it: each corruption with its strengths.

A corruption acts on the decoded radiograph, as if the file itself had been so, and before any preprocessing: what a
network does against differences between pictures (cleaning, stretching, CLAHE) may then help it. Strengths go by the
picture's own size and by the grey range, so that one of 256 pixels and one of 4,000 are hurt alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.background import exposed_body
from osteolens.data.images import Grey

NOISE_GRAINS = 256  # along the longer side: finer noise would be averaged away in large pictures only
COARSE_SIGMA = 4.0  # pixels: a wider blur leaves nothing that a smaller picture could not hold, and takes far longer


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way of spoiling a picture.

    Attributes
    ----------
    apply
        (uint8 [h, w], strength, generator) to uint8 [h, w]; what it draws does not depend on the strength, and 0
        leaves the picture as it is. One-step corruptions take no strength.
    strengths
        Those that are measured, rising; a single 1 for what is done or not.
    title, unit, description
        Plain words for figures and reports: the name, what a strength counts, and what is done.
    """

    apply: Callable[[Grey, float, np.random.Generator], Grey]
    strengths: tuple[float, ...]
    title: str
    unit: str
    description: str

    @property
    def is_one_step(self) -> bool:
        """Whether it is done or not, without degrees."""
        return len(self.strengths) == 1


def _noise(picture: Grey, strength: float, generator: np.random.Generator) -> Grey:
    height, width = picture.shape
    grain = max(1.0, max(height, width) / NOISE_GRAINS)
    shape = (max(1, round(height / grain)), max(1, round(width / grain)))
    field = generator.standard_normal(shape, dtype=np.float32)
    return _as_grey(picture + 255 * strength * cv2.resize(field, (width, height), interpolation=cv2.INTER_NEAREST))


def _blur(picture: Grey, strength: float, _generator: np.random.Generator) -> Grey:
    height, width = picture.shape
    sigma = strength * max(height, width)
    factor = max(1, int(sigma / COARSE_SIGMA))
    coarse = cv2.resize(picture, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    side = 2 * int(np.ceil(3 * sigma / factor)) + 1
    blurred = cv2.GaussianBlur(coarse, (side, side), sigma / factor)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _brightness(picture: Grey, strength: float, _generator: np.random.Generator) -> Grey:
    return np.asarray(cv2.LUT(picture, _as_grey(np.arange(256) + 255 * strength)), np.uint8)


def _contrast(picture: Grey, strength: float, _generator: np.random.Generator) -> Grey:
    mean = float(picture.mean())
    return np.asarray(cv2.LUT(picture, _as_grey(mean + (1 + strength) * (np.arange(256) - mean))), np.uint8)


def _rotation(picture: Grey, strength: float, _generator: np.random.Generator) -> Grey:
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), strength, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _inversion(picture: Grey, _strength: float, _generator: np.random.Generator) -> Grey:
    return 255 - picture


def _blanking(picture: Grey, _strength: float, _generator: np.random.Generator) -> Grey:
    return np.where(exposed_body(picture), picture, np.uint8(0))


def _as_grey(values: NDArray[np.floating]) -> Grey:
    """Round and clip to grey values."""
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption(
        _noise,
        (0.02, 0.05, 0.1, 0.2),
        title="noise",
        unit="standard deviation as a share of the grey range",
        description="Gaussian noise in grains of 1/256 of the longer side, one pixel at least.",
    ),
    "blur": Corruption(
        _blur,
        (0.0025, 0.005, 0.01, 0.02),
        title="blur",
        unit="standard deviation as a share of the longer side",
        description="Gaussian blur.",
    ),
    "brightness": Corruption(
        _brightness,
        (-0.4, -0.2, 0.2, 0.4),
        title="brightness",
        unit="shift as a share of the grey range",
        description="All grey values shifted by the same amount, darker below 0; what leaves the range is clipped.",
    ),
    "contrast": Corruption(
        _contrast,
        (-0.75, -0.5, -0.25, 0.5, 1.0),
        title="contrast",
        unit="relative change",
        description="Distances from the picture's mean grey value shrunk (below 0) or stretched; clipped.",
    ),
    "rotation": Corruption(
        _rotation,
        (5.0, 10.0, 20.0, 30.0, 45.0),
        title="rotation",
        unit="degrees anticlockwise",
        description="Turned about the centre in its frame: corners are cut off, and what comes from outside is black.",
    ),
    "inversion": Corruption(
        _inversion,
        (1.0,),
        title="inversion",
        unit="done",
        description="Black and white exchanged, as in a file whose photometric interpretation was lost.",
    ),
    "borders": Corruption(
        _blanking,
        (1.0,),
        title="markers and borders blanked",
        unit="done",
        description=(
            "What is found to lie outside the exposed body (frames, letters, plates and air) set to black; frames that "
            "are not even or letters on the body stay. A loss says how much the answers owe to what was blanked; a "
            "network that cleans the background itself never sees it."
        ),
    ),
}
