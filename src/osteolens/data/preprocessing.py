"""One record, one path: any grey picture to a network's input, the same in training, evaluation and inference."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.background import exposed_body
from osteolens.data.images import Grey, Reading, decode, read_file
from osteolens.domain import Preprocessing, ResizeMode

CLAHE_CLIP_LIMIT = 2.0
CLAHE_TILES = (8, 8)
DARKEST, BRIGHTEST = 0.01, 0.99  # shares of the body's pixels whose grey values become 0 and 255


def input_transform(height: int, width: int, record: Preprocessing) -> NDArray[np.float64]:
    """Return the affine map from pixels of a picture to pixels of the network's input.

    Parameters
    ----------
    height, width
        Size of the picture in pixels.

    Returns
    -------
    numpy.ndarray
        float64 [2, 3]; ``[x', y'] = A @ [x, y, 1]``, with pixel edges (not centres) at whole numbers.
    """
    if record.supersampling > 1:
        return input_transform(height, width, record.base) * (record.size / record.base.size)
    if record.resize == "stretch":
        return np.array([[record.size / width, 0, 0], [0, record.size / height, 0]], dtype=np.float64)
    new_height, new_width, top, left = _letterbox(height, width, record.size)
    return np.array([[new_width / width, 0, left], [0, new_height / height, top]], dtype=np.float64)


def resize(grey: Grey, record: Preprocessing, *, shape: tuple[int, int] | None = None) -> Grey:
    """Bring a picture to the record's square size and apply what else the record says, in its order.

    Parameters
    ----------
    shape
        Height and width of the whole picture where `grey` was decoded at a fraction of its size; it decides where a
        letterboxed picture lies, so that :func:`input_transform` holds for it.

    Returns
    -------
    numpy.ndarray
        uint8 [size, size]
    """
    if record.supersampling > 1:
        return sample_base(resize(grey, record.base, shape=shape), record)
    whole_height, whole_width = shape or (grey.shape[0], grey.shape[1])
    if record.equalise_resolution is not None:
        grey = _equalise_resolution(grey, whole_height, whole_width, record.equalise_resolution, record.resize)
    if record.resize == "stretch":
        picture = _interpolate(grey, record.size, record.size, record)
    else:
        height, width, top, left = _letterbox(whole_height, whole_width, record.size)
        picture = np.zeros((record.size, record.size), np.uint8)
        picture[top : top + height, left : left + width] = _interpolate(grey, height, width, record)
    return _standardise(picture, record)


def sample_base(base: Grey, record: Preprocessing) -> Grey:
    """Sample the network's input bilinearly from a base picture; the same picture where supersampling is off.

    Returns
    -------
    numpy.ndarray
        uint8 [size, size]
    """
    return np.asarray(cv2.resize(base, (record.size, record.size), interpolation=cv2.INTER_LINEAR), np.uint8)


def read_input(path: Path, record: Preprocessing) -> Grey:
    """Read a file as the network sees it before normalisation: the one way for training and inference alike.

    Returns
    -------
    numpy.ndarray
        uint8 [size, size]

    Raises
    ------
    DataError
        The file cannot be read; see :func:`osteolens.data.images.read_grey`.
    """
    return decode_input(read_file(path), record, name=str(path))


def decode_input(data: bytes, record: Preprocessing, *, name: str) -> Grey:
    """Do the same for the bytes of a file; `name` is used in messages only."""
    reading = decode_for(data, record, name=name)
    return resize(reading.grey, record, shape=reading.shape)


def decode_for(data: bytes, record: Preprocessing, *, name: str, any_region: bool = False) -> Reading:
    """Decode the bytes of a file as finely as the record needs; see :func:`osteolens.data.images.decode`."""
    # a scaled decode averages, which plain bilinear sampling must not
    at_least = record.base.size if record.interpolation == "area" else None
    return decode(data, name=name, at_least=at_least, any_region=any_region)


def normalise(pictures: NDArray[np.uint8], record: Preprocessing) -> NDArray[np.float32]:
    """Return the network's input for resized pictures.

    Parameters
    ----------
    pictures
        uint8 [..., size, size]

    Returns
    -------
    numpy.ndarray
        float32 [..., channels, size, size], ``(grey / 255 - mean) / std`` per channel.
    """
    mean = np.array(record.mean, np.float32)[:, None, None]
    std = np.array(record.std, np.float32)[:, None, None]
    scaled = pictures[..., None, :, :].astype(np.float32) / np.float32(255)
    return (scaled - mean) / std


def stretch_percentiles(picture: Grey, counted: NDArray[np.bool_]) -> Grey:
    """Stretch grey values linearly so that the 1st and 99th percentile of the counted pixels become 0 and 255.

    A percentile is the smallest grey value that at least that share of the pixels do not exceed. Where both are the
    same the picture is returned as it is.
    """
    shares = np.cumsum(np.bincount(picture[counted], minlength=256)) / (int(counted.sum()) or 1)
    low, high = int(np.searchsorted(shares, DARKEST)), int(np.searchsorted(shares, BRIGHTEST))
    if low >= high:
        return picture
    table = np.clip((np.arange(256) - low) * 255 / (high - low) + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _standardise(picture: Grey, record: Preprocessing) -> Grey:
    """Apply what the record says about grey values to a base picture."""
    if record.clean_background or record.intensity == "percentile":
        body = exposed_body(picture)
        if record.clean_background:
            picture = np.where(body, picture, np.uint8(0))
        if record.intensity == "percentile":
            picture = stretch_percentiles(picture, body)
    if record.clahe:
        return np.asarray(cv2.createCLAHE(CLAHE_CLIP_LIMIT, CLAHE_TILES).apply(picture), np.uint8)
    return picture


def _equalise_resolution(grey: Grey, height: int, width: int, largest: int, mode: ResizeMode) -> Grey:
    """Shrink by averaging so that no side of the whole picture (letterbox: not its longer one) exceeds `largest`."""
    if mode == "stretch":
        return _average(grey, min(height, largest), min(width, largest))
    new_height, new_width, _, _ = _letterbox(height, width, min(largest, max(height, width)))
    return _average(grey, new_height, new_width)


def _average(grey: Grey, height: int, width: int) -> Grey:
    """Shrink the sides that are larger than asked for: OpenCV averages only when no side grows."""
    smaller = (min(width, grey.shape[1]), min(height, grey.shape[0]))
    return np.asarray(cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA), np.uint8)


def _interpolate(grey: Grey, height: int, width: int, record: Preprocessing) -> Grey:
    if record.interpolation == "area":
        grey = _average(grey, height, width)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _letterbox(height: int, width: int, size: int) -> tuple[int, int, int, int]:
    """Return height, width, top and left of a picture fitted into a square without changing its shape."""
    scale = size / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    return new_height, new_width, (size - new_height) // 2, (size - new_width) // 2
