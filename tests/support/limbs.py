"""Pictures that every gate lets pass."""

from __future__ import annotations

import cv2
import numpy as np


def limb(height: int = 300, width: int = 300, seed: int = 0) -> np.ndarray:
    """Return a lighter shaft with grain over a dark ground, uint8 [height, width]."""
    across = np.abs(np.linspace(-1, 1, width))[None, :]
    shaft = 40 + 180 * np.clip(1 - 2 * across, 0, 1) * np.ones((height, 1))
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 30, (height, width)), (0, 0), 1.0)
    return (shaft + grain).clip(0, 255).astype(np.uint8)
