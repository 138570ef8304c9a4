"""Smooth random fields: texture, irregular outlines, uneven fat."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


def smooth_noise(generator: np.random.Generator, shape: tuple[int, int], scale: float) -> FloatArray:
    """Return a field of mean 0 and deviation 1 whose structures are about `scale` pixels wide.

    The field is drawn on a coarse grid and enlarged, so that its cost does not grow with `scale`.
    """
    step = max(scale / 2.0, 1.0)
    coarse = (math.ceil(shape[0] / step) + 3, math.ceil(shape[1] / step) + 3)
    field = cv2.GaussianBlur(generator.standard_normal(coarse, dtype=np.float32), (0, 0), 1.0)
    width, height = math.ceil(coarse[1] * step), math.ceil(coarse[0] * step)
    large = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)[: shape[0], : shape[1]]
    return _standardised(large)


def trabecular_noise(generator: np.random.Generator, shape: tuple[int, int], scale: float, tilt: float) -> FloatArray:
    """Return band-passed noise of mean 0 and deviation 1, drawn out along the limb.

    Parameters
    ----------
    scale
        Spacing of the trabeculae in pixels.
    tilt
        Angle of the limb in the picture in radians; 0 is upright.
    """
    step = max(scale / 2, 1.0)
    spacing = scale / step
    side = math.ceil(math.hypot(*shape) / step) + 4
    white = generator.standard_normal((side, side), dtype=np.float32)
    along = cv2.GaussianBlur(white, (0, 0), sigmaX=max(0.45 * spacing, 0.5), sigmaY=1.6 * spacing)
    across = cv2.GaussianBlur(white, (0, 0), max(0.6 * spacing, 0.5))
    coarse = cv2.GaussianBlur(white, (0, 0), 2.2 * spacing)
    field = _standardised(along - coarse) + np.float32(0.6) * _standardised(across - coarse)
    rotation = np.asarray(cv2.getRotationMatrix2D((side / 2, side / 2), math.degrees(tilt), step), dtype=np.float64)
    rotation[:, 2] += np.array([shape[1] - side, shape[0] - side]) / 2
    size = (shape[1], shape[0])
    return _standardised(cv2.warpAffine(field, rotation, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def _standardised(field: npt.NDArray[Any]) -> FloatArray:
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(field))
    return ((field - np.float32(mean)) / np.float32(max(deviation, 1e-6))).astype(np.float32)
