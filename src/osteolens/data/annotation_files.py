"""Where the lesions of an image are drawn: a LabelMe file, or a PNG mask in which the lesions are not black."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.annotations import Annotation, Lesion, read_labelme
from osteolens.data.images import Grey, read_not_black
from osteolens.data.own_files import flat_id

SUFFIXES = (".png", ".json")  # the later one counts where an image has both
MASK_SUBTYPE = "lesion"  # a mask does not say what it shows
_FINER = 2  # a traced outline runs through pixel centres: on a grid twice as fine, a quarter of a pixel inside the edge


def annotation_files(folder: Path) -> dict[str, Path]:
    """Return the annotations of a folder by the stem of the image they belong to; a missing folder holds none.

    Sub-folders count like those of images. A folder of the same name inside (the ZIP of BTXRD has one) does not.
    """
    found = {}
    everything = sorted(folder.rglob("*"))
    for suffix in SUFFIXES:
        for path in (path for path in everything if path.suffix.lower() == suffix):
            inside = path.relative_to(folder)
            if folder.name not in inside.parts[:-1] and not any(part.startswith(".") for part in inside.parts):
                found[flat_id(inside.with_suffix("").as_posix())] = path
    return dict(sorted(found.items()))


def read_annotation(path: Path) -> Annotation:
    """Read a LabelMe file or a mask; one that cannot be read raises :class:`osteolens.errors.DataError`."""
    return read_labelme(path) if path.suffix.lower() == ".json" else mask_annotation(read_not_black(path))


def mask_annotation(mask: Grey | NDArray[np.bool_]) -> Annotation:
    """Return the lesions of a mask: every connected region above 0 is one, with its holes.

    Parameters
    ----------
    mask
        uint8 or bool [height, width]

    Returns
    -------
    Annotation
        Rasterised at the size of the mask, its outlines give the mask again, pixel for pixel.
    """
    height, width = mask.shape
    finer = (mask > 0).astype(np.uint8).repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    contours, hierarchy = cv2.findContours(finer, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer: dict[int, list[np.ndarray]] = {}
    for number, contour in enumerate(contours):
        parent = int(hierarchy[0, number, 3])
        outer.setdefault(number if parent < 0 else parent, []).append(
            (contour[:, 0, :].astype(np.float64) + 0.5) / _FINER
        )
    lesions = tuple(Lesion(MASK_SUBTYPE, _with_holes(rings), None) for _, rings in sorted(outer.items()))
    return Annotation(width, height, lesions)


def _with_holes(rings: list[np.ndarray]) -> np.ndarray:
    """Join an outline and its holes to one polygon; the way to a hole and back cancels by the even-odd rule."""
    start = rings[0][:1]
    parts = [rings[0], start]
    for hole in rings[1:]:
        parts += [hole, hole[:1], start]
    return np.concatenate(parts)
