"""Radiographs as a reader is shown them: with their own pixels and proportions, as large as is useful on a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.data.annotations import lesion_mask
from osteolens.data.images import read_grey
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Preprocessing
from osteolens.explain.cell_map import CellMap
from osteolens.explain.overlay import overlay

LONGEST = 512  # pixels of the longer side; a smaller picture keeps its own


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A radiograph to look at.

    Attributes
    ----------
    picture
        uint8 [height, width]
    mask
        Lesions, 0/1 [height, width]; None where none is annotated.
    record
        How the network's input was made of the picture; None where it is that input.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    record: Preprocessing | None = None

    def coloured(self, cells: CellMap) -> NDArray[np.uint8]:
        """Return the picture under a map [h, w], RGB [height, width, 3]."""
        return overlay(self.picture, self.heat(cells))

    def heat(self, cells: CellMap) -> NDArray[np.float32]:
        """Return a map [h, w] over the picture, [height, width] in 0 to 1."""
        height, width = self.picture.shape
        return cells.enlarged(height, width) if self.record is None else cells.onto(height, width, self.record)


Views = Callable[[int], View]  # from a row of the predictions table


def input_views(pictures: NDArray[np.uint8], masks: Mapping[int, NDArray[np.uint8]]) -> Views:
    """Show the network's inputs, uint8 [N, S, S], and their masks, where the files are not at hand."""
    return lambda row: View(np.asarray(pictures[row]), masks.get(row))


def file_views(data: RadiographSet, image_ids: Sequence[str], record: Preprocessing) -> Views:
    """Show the files themselves, up to :data:`LONGEST` pixels; each is read when it is asked for.

    Parameters
    ----------
    image_ids
        In the order of the rows.
    record
        How the network's inputs are made of the files.
    """

    def view(row: int) -> View:
        grey = _shrunk(read_grey(data.path(image_ids[row]), at_least=LONGEST))
        annotation = data.annotation(image_ids[row])
        drawn = annotation is not None and annotation.lesions
        return View(grey, lesion_mask(annotation, *grey.shape) if annotation and drawn else None, record)

    return view


def _shrunk(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    share = LONGEST / max(height, width)
    if share >= 1:
        return grey
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
