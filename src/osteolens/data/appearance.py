"""Random changes of how a training picture looks, none of which moves anything."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osteolens.config import AugmentationOptions
from osteolens.data.images import Grey
from osteolens.data.masks import Box

SHARPNESS_SIGMA = 1.0  # pixels of the input: what is finer is sharpened or blurred
SHARPNESS_KERNEL = (7, 7)
ERASED_SHARE = (0.02, 0.10)  # of the picture's area
ERASED_SHAPE = 2.0  # largest ratio of the sides of an erased rectangle
ERASE_TRIES = 10  # rectangles drawn before a picture whose lesion fills it is left alone


def change_appearance(
    picture: Grey, options: AugmentationOptions, generator: np.random.Generator, lesion: Box | None = None
) -> Grey:
    """Draw all such changes: resolution, sharpness, grey values, noise and an erased rectangle, in this order.

    Parameters
    ----------
    lesion
        Where the lesion lies in this picture; it is not erased.
    """
    if options.low_resolution > 1:
        picture = change_resolution(picture, options.low_resolution, generator)
    if options.sharpness > 0:
        picture = change_sharpness(picture, options.sharpness, generator)
    picture = change_greys(picture, options, generator)
    if options.noise > 0:
        picture = add_noise(picture, options.noise, generator)
    if options.erase > 0 and generator.random() < options.erase:
        picture = erase_rectangle(picture, generator, lesion)
    return picture


def change_greys(picture: Grey, options: AugmentationOptions, generator: np.random.Generator) -> Grey:
    """Draw a contrast factor about the mean of the picture, a brightness factor and an exponent, in one table.

    Values stay in 0 to 255. The exponent applies to grey values on the 0 to 1 scale and is drawn log-uniformly.
    """
    brightness = 1 + generator.uniform(-options.brightness, options.brightness)
    contrast = 1 + generator.uniform(-options.contrast, options.contrast)
    mean = float(picture.mean())
    values = np.clip(((np.arange(256) - mean) * contrast + mean) * brightness, 0, 255)
    if options.gamma > 0:
        values = 255 * (values / 255) ** math.exp(generator.uniform(-1, 1) * math.log1p(options.gamma))
    return np.asarray(cv2.LUT(picture, np.clip(values + 0.5, 0, 255).astype(np.uint8)), np.uint8)


def change_resolution(picture: Grey, largest: float, generator: np.random.Generator) -> Grey:
    """Shrink every other picture by a factor of 1 to `largest` (averaging) and enlarge it again (bilinear)."""
    if generator.random() >= 0.5:
        return picture
    height, width = picture.shape
    factor = generator.uniform(1, largest)
    smaller = (max(1, round(width / factor)), max(1, round(height / factor)))
    coarse = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def change_sharpness(picture: Grey, largest: float, generator: np.random.Generator) -> Grey:
    """Add (sharpening) or take away (blurring) up to `largest` times what a Gaussian blur of the picture removes."""
    amount = generator.uniform(-largest, largest)
    blurred = cv2.GaussianBlur(picture, SHARPNESS_KERNEL, SHARPNESS_SIGMA)
    return np.asarray(cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0), np.uint8)


def add_noise(picture: Grey, largest: float, generator: np.random.Generator) -> Grey:
    """Add Gaussian noise whose standard deviation is drawn from 0 to `largest` of the grey range."""
    noise = generator.standard_normal(picture.shape, dtype=np.float32)
    noise *= np.float32(generator.uniform(0, largest) * 255)
    noise += picture
    return np.asarray(cv2.convertScaleAbs(np.clip(noise, 0, 255, out=noise)), np.uint8)


def erase_rectangle(picture: Grey, generator: np.random.Generator, lesion: Box | None = None) -> Grey:
    """Cover a random rectangle that does not touch the lesion with one random grey.

    A picture in which no such rectangle is found is returned as it is.
    """
    height, width = picture.shape
    for _ in range(ERASE_TRIES):
        share = generator.uniform(*ERASED_SHARE)
        shape = math.exp(generator.uniform(-1, 1) * math.log(ERASED_SHAPE))
        rows = round(height * math.sqrt(share / shape))
        columns = round(width * math.sqrt(share * shape))
        top = int(generator.integers(height - rows + 1))
        left = int(generator.integers(width - columns + 1))
        if lesion is None or not lesion.overlaps(Box(left, top, left + columns, top + rows)):
            erased = picture.copy()
            erased[top : top + rows, left : left + columns] = generator.integers(256)
            return erased
    return picture
