"""What stands in for the pixels of a picture that were taken away.

Every fill has a look of its own, and a network answers it too. Two that have little in common are therefore tried, and
each is reported with its answer: a curve that ends at a confident answer tells of the fill as much as of the picture.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Fill = Literal["blurred", "scrambled"]
BLUR = 1 / 16  # standard deviation as a share of the picture's side
FILLS: dict[Fill, str] = {
    "blurred": f"the picture blurred by a Gaussian, standard deviation {BLUR:g} of its side",
    "scrambled": "the picture with the phases of its Fourier transform drawn at random: its brightness, contrast and "
    "texture without its shapes",
}


def filled(fill: Fill, picture: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return what a picture, uint8 [S, S], becomes where all of it is taken away."""
    if fill == "blurred":
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR * len(picture)), np.uint8)
    # Phases of a real picture of noise: they have the symmetry that makes the result real, and 0 for the mean.
    phases = np.angle(np.fft.rfft2(generator.random(picture.shape)))
    scrambled = np.fft.irfft2(np.abs(np.fft.rfft2(picture)) * np.exp(1j * phases), s=picture.shape)
    return np.rint(scrambled).clip(0, 255).astype(np.uint8)


def confident_from(classes: int) -> float:
    """Return the mean probability from which the answer to a fill counts as confident.

    It lies halfway between an even answer to that many classes and a certain one: from there on the curves of that
    class measure the way to the fill, and those of the others the way away from it.
    """
    return (1 + 1 / classes) / 2
