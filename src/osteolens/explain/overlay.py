"""A map laid over its radiograph in colour."""

from __future__ import annotations

from functools import cache

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

COLOUR_MAP = "plasma"  # perceptually uniform, read alike by colour-blind readers, without black or white
STRONGEST = 0.6  # opacity at the map's maximum: the bone beneath stays visible


def overlay(picture: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a radiograph by a map; the colour's opacity follows the map, so low values leave the picture as it is.

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
    mixed = (1 - opacity) * picture[..., None] + opacity * colours()[(heat.clip(0, 1) * 255).round().astype(np.uint8)]
    return mixed.round().astype(np.uint8)


@cache
def colours() -> NDArray[np.float32]:
    """Return the colour map, [256, 3] in 0 to 255."""
    table = mpl.colormaps[COLOUR_MAP](np.arange(256))
    return np.asarray(table[:, :3] * 255, np.float32)
