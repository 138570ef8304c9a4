"""A map laid over its radiograph in colour."""

from __future__ import annotations

from functools import cache

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

COLOUR_MAP = "plasma"  # perceptually uniform, read alike by colour-blind readers, without black or white
STRONGEST = 0.6  # opacity at the map's maximum
DARKEST = 0.6  # brightness of the colour over black; over white it is 1, so that bone shades the colour too
RAMP_GREY = 110  # bone of middle density


def overlay(picture: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a radiograph by a map.

    The colour's opacity follows the map, so low values leave the picture as it is. The colour itself is shaded by the
    radiograph: under the strongest evidence, where the lesion should be, the contrast of bone is about six tenths
    of its own. A colour that is not shaded would leave four tenths.

    Parameters
    ----------
    picture
        uint8 [H, W]
    heat
        [H, W] in 0 to 1, see :meth:`osteolens.explain.cell_map.CellMap.enlarged`.

    Returns
    -------
    ndarray
        uint8 RGB [H, W, 3]
    """
    opacity = (STRONGEST * heat.clip(0, 1))[..., None]
    shade = DARKEST + (1 - DARKEST) * picture[..., None] / np.float32(255)
    mixed = (1 - opacity) * picture[..., None] + opacity * shade * _colours()[_steps(heat)]
    return mixed.round().astype(np.uint8)


def coloured(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a map [H, W] in 0 to 1 alone in its colours, RGB [H, W, 3]."""
    return _colours()[_steps(heat)].round().astype(np.uint8)


def colour_ramp(height: int, width: int) -> NDArray[np.uint8]:
    """Return the key to the colours as they look on bone: none at the left to the strongest, RGB [height, width, 3]."""
    heat = _rising(height, width)
    return overlay(np.full(heat.shape, RAMP_GREY, np.uint8), heat)


def map_ramp(height: int, width: int) -> NDArray[np.uint8]:
    """Return the key to the colours of a map alone, see :func:`coloured`, RGB [height, width, 3]."""
    return coloured(_rising(height, width))


def _rising(height: int, width: int) -> NDArray[np.float32]:
    return np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))


def _steps(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (heat.clip(0, 1) * 255).round().astype(np.uint8)


@cache
def _colours() -> NDArray[np.float32]:
    """Return the colour map, [256, 3] in 0 to 255."""
    table = mpl.colormaps[COLOUR_MAP](np.arange(256))
    return np.asarray(table[:, :3] * 255, np.float32)
