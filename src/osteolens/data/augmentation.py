"""Random changes of a training picture: one affine map for picture and lesion mask, then mild intensity."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.images import Grey


def shrinking(base_size: int, size: int) -> NDArray[np.float64]:
    """Return the map, float64 [2, 3], from pixel centres of a square picture to those of its resized copy."""
    scale = size / base_size
    return np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])


def random_affine(
    base_size: int, size: int, options: AugmentationOptions, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a flip, rotation, zoom and shift about the centre of a square picture, composed with its shrinking.

    Resizing and moving in one map costs one interpolation; two would leave training pictures more blurred than the
    pictures that are evaluated.

    Parameters
    ----------
    base_size, size
        Sides of the picture and of the result in pixels.

    Returns
    -------
    numpy.ndarray
        float64 [2, 3], from pixel centres of the picture to pixel centres of the result.
    """
    flip = -1.0 if generator.random() < options.horizontal_flip else 1.0
    angle = math.radians(generator.uniform(-options.rotation, options.rotation))
    zoom = math.exp(generator.uniform(-1, 1) * math.log1p(options.scale))
    shift = generator.uniform(-options.translation, options.translation, size=2) * size
    linear = zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = linear @ np.diag([flip, 1.0])
    linear *= size / base_size
    centre = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, centre + shift - linear @ np.full(2, (base_size - 1) / 2)])


def augment_picture(picture: Grey, affine: NDArray[np.float64], size: int) -> Grey:
    """Move a picture by `affine` into a square of `size` pixels.

    What comes from outside is black, like the border of a collimated radiograph.
    """
    return np.asarray(cv2.warpAffine(picture, affine, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def augment_mask(mask: NDArray[np.uint8], affine: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Move a 0/1 mask by the same map as its picture, without mixing values."""
    return np.asarray(cv2.warpAffine(mask, affine, (size, size), flags=cv2.INTER_NEAREST), np.uint8)


def augment_intensity(picture: Grey, options: AugmentationOptions, generator: np.random.Generator) -> Grey:
    """Draw a brightness factor and a contrast factor about the mean of the picture; values stay in 0 to 255."""
    brightness = 1 + generator.uniform(-options.brightness, options.brightness)
    contrast = 1 + generator.uniform(-options.contrast, options.contrast)
    mean = float(picture.mean())
    table = np.clip(((np.arange(256) - mean) * contrast + mean) * brightness + 0.5, 0, 255).astype(np.uint8)
    return table[picture]
