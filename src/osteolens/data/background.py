"""Where the exposed body lies in a radiograph, and where only frames, letters, plates and air do."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.images import Grey

LIGHT, DARK = 225, 12  # grey values from which and up to which a line may belong to a frame
LIGHT_SHARE = 0.95  # of a light line; the rest may be print
WIDEST_FRAME = 0.45  # of the picture, at one side: a wider one is no frame but an even picture
FRAME_ROUNDS = 3  # frames inside frames, as of a letterboxed page
SMOOTHING = 3  # pixels, against single noisy ones
SMALLEST_PART = 0.04  # area of a part of the body, as a share of the largest part
MARGIN = 0.04  # of the picture's side; what comes nearer to the body than this belongs to it


def exposed_body(picture: Grey) -> NDArray[np.bool_]:
    """Return where the body lies, [height, width], with a margin of air.

    Light and dark lines along the sides are a frame. Inside it, tissue is what exceeds the mean of the dark class of
    Otsu's threshold (Otsu 1979, doi 10.1109/TSMC.1979.4310076), and the body is every connected piece of tissue that
    is not small beside the largest, with its holes and with small pieces close to it. Where nothing stands out all is
    body: the method is meant to keep too much rather than too little.
    """
    height, width = picture.shape
    top, bottom, left, right = _inside_frames(picture)
    inner = np.asarray(cv2.blur(picture[top:bottom, left:right], (SMOOTHING, SMOOTHING)), np.uint8)
    tissue = (inner > _air_level(inner)).astype(np.uint8)
    reach = 2 * round(MARGIN * max(height, width)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach))
    near = np.asarray(cv2.dilate(_large_parts(tissue), kernel), np.uint8)
    body = np.zeros((height, width), np.bool_)
    body[top:bottom, left:right] = _large_parts(near | tissue)
    return body


def _inside_frames(picture: Grey) -> tuple[int, int, int, int]:
    """Return first row, end row, first column and end column of what is left without the frames along the sides."""
    height, width = picture.shape
    top, bottom, left, right = 0, height, 0, width
    for _ in range(FRAME_ROUNDS):
        inner = picture[top:bottom, left:right]
        before, after = _frame_widths(inner, axis=1, limit=WIDEST_FRAME * height)
        start, end = _frame_widths(inner, axis=0, limit=WIDEST_FRAME * width)
        top, bottom, left, right = top + before, bottom - after, left + start, right - end
        if before + after + start + end == 0:
            break
    return top, bottom, left, right


def _frame_widths(picture: Grey, *, axis: int, limit: float) -> tuple[int, int]:
    """Return how many rows (axis 1) or columns (axis 0) at both ends are frame; 0 for an end with too many of them."""
    is_frame = (_share_above(picture, LIGHT - 1, axis) >= LIGHT_SHARE) | (_share_above(picture, DARK, axis) == 0)
    if is_frame.all():
        return 0, 0
    first, last = int(np.argmin(is_frame)), int(np.argmin(is_frame[::-1]))
    return first if first <= limit else 0, last if last <= limit else 0


def _share_above(picture: Grey, level: int, axis: int) -> NDArray[np.float32]:
    """Return the share of the pixels of each row (axis 1) or column (axis 0) that exceed a grey value."""
    _, above = cv2.threshold(picture, level, 1, cv2.THRESH_BINARY)
    return np.asarray(cv2.reduce(above, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F), np.float32).ravel()


def _air_level(picture: Grey) -> float:
    """Return the grey value above which there is tissue."""
    _, above = cv2.threshold(picture, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(cv2.mean(picture, cv2.bitwise_not(above))[0])


def _large_parts(tissue: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the large connected parts with their holes filled, 0/1; all ones where there is no part at all."""
    contours, _ = cv2.findContours(tissue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(contour) for contour in contours]
    if not areas or max(areas) == 0:
        return np.ones_like(tissue)
    large = [contour for contour, area in zip(contours, areas, strict=True) if area >= SMALLEST_PART * max(areas)]
    filled = np.zeros_like(tissue)
    cv2.drawContours(filled, large, -1, color=1, thickness=cv2.FILLED)
    return filled
