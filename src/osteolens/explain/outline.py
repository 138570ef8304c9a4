"""Where the line around a lesion runs: along its edge, and a little off a small one, which it would cover."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.domain import AREA_BANDS

SMALL = AREA_BANDS["0.3-1%"]  # share of the picture; a line of two pixels covers most of what is smaller
OFF = 0.01  # of the longer side of the picture: what lies between a small lesion and its line
OUTLINE_NOTE = f"around a lesion under {SMALL:.1%} of the picture it stands a little off and covers nothing"


def outlined(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mask, 0/1 [H, W], whose edge is drawn: every lesion below :data:`SMALL` is widened in all directions.

    The edge then lies :data:`OFF` away from the lesion, or up to a pixel more; it depends on each connected part of the
    mask alone.
    """
    _, parts, facts, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    is_small = facts[:, cv2.CC_STAT_AREA] < SMALL * mask.size
    is_small[0] = False  # the background
    radius = math.ceil(OFF * max(mask.shape))
    across = np.arange(-radius, radius + 1)
    disc = (np.hypot(*np.meshgrid(across, across)) < radius + 0.5).astype(np.uint8)
    wide = cv2.dilate(is_small[parts].astype(np.uint8), disc)
    return np.asarray((mask > 0) | (wide > 0), np.uint8)


def outline_path(mask: NDArray[np.uint8] | None) -> str:
    """Return the line around the lesions of a mask [H, W] as data of an SVG path in its pixels; empty without any."""
    if mask is None or not mask.any():
        return ""
    # Twice as large: the line runs near the edges of the pixels, not through their centres, and one pixel has an area.
    doubled = np.kron(np.pad(outlined(mask), 1), np.ones((2, 2), np.uint8)).astype(np.uint8)
    edges, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    simple = (cv2.approxPolyDP(edge, 0.6, closed=True)[:, 0] / 2 - 0.75 for edge in edges)
    return "".join("M" + " ".join(f"{x:g},{y:g}" for x, y in points.tolist()) + "Z" for points in simple)
