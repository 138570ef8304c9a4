"""Maps of radiograph files, laid on the pictures at their own size: the one way for answers and explanations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osteolens.config import ExplanationOptions
from osteolens.data.cache import DECODING_THREADS
from osteolens.data.images import Grey, read_grey
from osteolens.domain import Preprocessing
from osteolens.errors import DataError
from osteolens.explain.cam import MapMethod
from osteolens.explain.cell_map import CellMap
from osteolens.explain.overlay import overlay
from osteolens.inference.answer import Answer
from osteolens.inference.examination import BODY_PART
from osteolens.inference.network import Network
from osteolens.inference.reading import Failure, InputBatch
from osteolens.storage import atomic_writer
from osteolens.wording import first_of, printable

STRIP = 256  # rows coloured at a time: the arithmetic takes 50 times the memory of what it gives
NAMED = 5  # maps without evidence that the warning names

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True, eq=False)
class MappedPicture:
    """One file with its answer and the maps that were asked for.

    Attributes
    ----------
    classes
        K names of classes.
    maps
        [K, h, w], in the order of the classes.
    method
        The method that made them.
    """

    path: Path
    answer: Answer
    classes: tuple[str, ...]
    maps: CellMap
    method: MapMethod

    def read(self) -> Grey:
        """Return the picture at full size, grey; raises DataError where the file was changed since it was answered."""
        return read_grey(self.path, any_region=any(one.gate == BODY_PART for one in self.answer.accepted))

    @property
    def without_evidence(self) -> list[str]:
        """Return the classes whose map is 0 everywhere."""
        return [name for place, name in enumerate(self.classes) if self.maps[place].is_zero]


Draw = Callable[[MappedPicture, NDArray[np.uint8]], None]


@dataclass(frozen=True, slots=True, eq=False)
class LaidMap:
    """A map over the whole of a radiograph.

    Attributes
    ----------
    heat
        float32 [height, width], 0 to 1.
    coloured
        The radiograph coloured by it, RGB uint8 [height, width, 3].
    """

    heat: NDArray[np.float32]
    coloured: NDArray[np.uint8]


def map_batch(
    network: Network,
    batch: InputBatch,
    answers: Sequence[Answer],
    options: ExplanationOptions,
    classes: Sequence[str] | None = None,
) -> list[MappedPicture]:
    """Return the maps of the pictures that were answered.

    Parameters
    ----------
    classes
        Names of the classes that each picture is mapped for; None for the one that it was answered with.
    """
    if not answers:
        return []
    names = [tuple(classes or (answer.label,)) for answer in answers]
    wanted = np.array([[network.class_names.index(name) for name in row] for row in names])
    method = network.map_method(options)
    maps = network.maps(batch.pictures, wanted, options)
    rows = zip(batch.paths, answers, names, strict=True)
    return [MappedPicture(*row, maps[place], method) for place, row in enumerate(rows)]


def lay(grey: NDArray[np.uint8], cells: CellMap, record: Preprocessing) -> LaidMap:
    """Lay a map [h, w] on the picture [height, width] whose input it was made from."""
    height, width = grey.shape
    heat = cells.onto(height, width, record)
    coloured = np.empty((*grey.shape, 3), np.uint8)
    for top in range(0, len(grey), STRIP):
        rows = slice(top, top + STRIP)
        coloured[rows] = overlay(grey[rows], heat[rows])
    return LaidMap(heat, coloured)


def draw_each(mapped: Sequence[MappedPicture], draw: Draw) -> list[Failure]:
    """Call `draw` in threads with each picture and its file at full size, grey; return the files that are refused."""
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        return [failure for failure in pool.map(partial(_draw, draw=draw), mapped) if failure is not None]


def write_png(path: Path, picture: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Write a picture, RGB or grey of 8 or 16 bit, as PNG."""
    with atomic_writer(path) as stream:
        Image.fromarray(picture).save(stream, format="PNG")


def warn_of_no_evidence(mapped: Sequence[MappedPicture]) -> None:
    """Warn of maps that are 0 everywhere, the first of them named by picture and class."""
    found = [f"{picture.answer.image} ({name})" for picture in mapped for name in picture.without_evidence]
    tell_of_no_evidence(found, sum(len(picture.classes) for picture in mapped))


def tell_of_no_evidence(found: Sequence[str], maps: int) -> None:
    """Warn of `found`, each a picture and a class in brackets, among so many maps."""
    if found:
        told = first_of(found, NAMED)
        logger.warning("%d of %d maps are 0 everywhere, no evidence was found: %s.", len(found), maps, told)


def _draw(mapped: MappedPicture, draw: Draw) -> Failure | None:
    try:
        draw(mapped, mapped.read())
    except DataError as error:
        return Failure(mapped.answer.image, printable(str(error)))
    return None
