"""Random moves of a training picture: one affine map for picture and lesion mask."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.images import Grey
from osteolens.data.masks import Box, LesionBox

ZOOM_TRIES = 10  # centres drawn before the view is centred on the lesion
HIDDEN_MARGIN = 1  # pixels between the view and a lesion that is left out: interpolation reaches over the edge


def shrinking(base_size: int, size: int) -> NDArray[np.float64]:
    """Return the map, float64 [2, 3], from pixel centres of a square picture to those of its resized copy."""
    scale = size / base_size
    return np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])


def random_affine(
    base_size: int,
    size: int,
    options: AugmentationOptions,
    generator: np.random.Generator,
    lesion: LesionBox | None = None,
    *,
    hide: bool = False,
) -> NDArray[np.float64]:
    """Draw flips, rotation, zooms and shift of a square picture, composed with its shrinking.

    All are about the centre of the picture, or with ``zoom_in`` about that of a part of it drawn at random.

    Resizing and moving in one map costs one interpolation; two would leave training pictures more blurred than the
    pictures that are evaluated.

    Parameters
    ----------
    base_size, size
        Sides of the picture and of the result in pixels.
    lesion
        Where the lesions lie in the picture; ``zoom_in`` keeps their `centre` in view.
    hide
        Leave all of them out of view instead, if one of the drawn parts is free of them.

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
    upside = -1.0 if options.vertical_flip > 0 and generator.random() < options.vertical_flip else 1.0
    linear = linear @ np.diag([flip, upside])
    linear *= size / base_size
    target = np.full(2, (size - 1) / 2) + shift
    centre = np.full(2, (base_size - 1) / 2)
    if options.zoom_in > 0:
        further = math.exp(generator.random() * math.log1p(options.zoom_in))
        linear *= further
        reach = (1 - 1 / further) / 2 * base_size  # so that what is in view lies in the picture, but for the rotation
        views = centre + generator.uniform(-reach, reach, size=(ZOOM_TRIES, 2))
        centre = views[0] if lesion is None else _view_centre(views, linear, shift, size, lesion, hide=hide)
    return np.column_stack([linear, target - linear @ centre])


def _view_centre(
    views: NDArray[np.float64],
    linear: NDArray[np.float64],
    shift: NDArray[np.float64],
    size: int,
    lesion: LesionBox,
    *,
    hide: bool,
) -> NDArray[np.float64]:
    """Return the first of the points [N, 2] about which a view shows nothing of the lesions, or else their centre.

    Where no view shows the centre, it is the lesions' centre itself.
    """

    def from_middle(point: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.abs(shift + (point - views) @ linear.T), np.float64)

    (left, top, right, bottom), kept = lesion.around, np.array(lesion.centre)
    reach = np.abs(linear) @ np.array([right - left, bottom - top]) / 2
    beside = from_middle(np.array([left + right - 1, top + bottom - 1]) / 2) - reach
    free = (beside >= size / 2 + HIDDEN_MARGIN).any(axis=1)
    if hide and free.any():
        return np.asarray(views[free.argmax()], np.float64)
    shows = (from_middle(kept) <= (size - 1) / 2).all(axis=1)
    return np.asarray(views[shows.argmax()] if shows.any() else kept, np.float64)


def is_hidden(lesion: Box, size: int) -> bool:
    """Tell whether a picture of `size` pixels shows nothing of lesions in a box in or beside it."""
    return not lesion.overlaps(Box(-HIDDEN_MARGIN, -HIDDEN_MARGIN, size + HIDDEN_MARGIN, size + HIDDEN_MARGIN))


def augment_picture(picture: Grey, affine: NDArray[np.float64], size: int) -> Grey:
    """Move a picture by `affine` into a square of `size` pixels.

    What comes from outside is black, like the border of a collimated radiograph.
    """
    return np.asarray(cv2.warpAffine(picture, affine, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def augment_mask(mask: NDArray[np.uint8], affine: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Move a 0/1 mask by the same map as its picture, without mixing values."""
    return np.asarray(cv2.warpAffine(mask, affine, (size, size), flags=cv2.INTER_NEAREST), np.uint8)
