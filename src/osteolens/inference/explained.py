"""Radiograph files to pictures of where the network looked, the maps themselves, and an index of what was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import NORMAL, Preprocessing
from osteolens.errors import ConfigError
from osteolens.evaluation.figures import DISCLAIMER
from osteolens.explain.cam import CLASSLESS, map_meaning, mapped_class
from osteolens.explain.captions import NO_LESION, map_caption
from osteolens.explain.side_by_side import Panel, side_by_side
from osteolens.inference.batch_record import batch_record
from osteolens.inference.maps import LaidMap, MappedPicture, draw_each, lay, map_batch, warn_of_no_evidence, write_png
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import Failure, read_batches
from osteolens.storage import atomic_writer, file_word, write_json, write_table

MapFormat = Literal["png", "npy"]
EVERY_CLASS = "all"
INDEX = "index"  # .json and .csv
COLUMNS = (
    *("image", "class", "probability", "answered", "answer_probability"),
    *("zero_map", "method", "resolution", "cells", "overlay", "map"),
)
METHODS = {
    "closed_form": "class-activation map in closed form, which for this network is Grad-CAM's",
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "hirescam": "HiResCAM",
    "eigencam": "EigenCAM",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the pictures and maps of a call go.

    Attributes
    ----------
    out
        A folder, or one file that ends in ``.png``.
    maps
        Format of the maps themselves; None for none.
    """

    out: Path
    maps: MapFormat | None = None

    @property
    def is_folder(self) -> bool:
        """Whether there is room for more than one picture."""
        return self.out.suffix.lower() != ".png"

    @property
    def root(self) -> Path:
        """The folder that the index's paths are relative to."""
        return self.out if self.is_folder else self.out.parent

    def overlay(self, image: str) -> Path:
        """Return the file of a radiograph with its overlays."""
        return self.out / "overlays" / f"{image}.png" if self.is_folder else self.out

    def map(self, image: str, class_name: str) -> Path | None:
        """Return the file of a map itself."""
        if self.maps is None:
            return None
        if not self.is_folder:
            return self.out.with_name(f"{self.out.stem}_{file_word(class_name)}_map.{self.maps}")
        return self.out / "maps" / f"{image}_{file_word(class_name)}.{self.maps}"


@dataclass(frozen=True, slots=True)
class ExplainedBatch:
    """What was made.

    Attributes
    ----------
    entries
        One per map, with the keys of :data:`COLUMNS`; files relative to the folder of the index.
    failures
        The pictures that were not explained.
    """

    entries: tuple[dict[str, Any], ...]
    failures: tuple[Failure, ...]

    def to_dict(self, predictor: Predictor) -> dict[str, Any]:
        """Return the content of ``index.json``."""
        return batch_record(predictor, self.failures, maps=list(self.entries))

    def to_table(self) -> pd.DataFrame:
        """Return the content of ``index.csv``, one row per map."""
        return pd.DataFrame(self.entries, columns=list(COLUMNS))


def explain_files(
    predictor: Predictor,
    paths: Sequence[Path],
    files: Destination,
    *,
    options: ExplanationOptions,
    class_name: str | None = None,
) -> ExplainedBatch:
    """Draw each radiograph beside its overlays, and write ``index.json`` and ``index.csv`` where `files` is a folder.

    Parameters
    ----------
    class_name
        The class whose evidence is shown, :data:`EVERY_CLASS` for each of them, None for the class that was answered.

    Raises
    ------
    ConfigError
        The network does not know the class, or the method asks for none.
    """
    network = predictor.network
    classes = wanted_classes(network.class_names, class_name, options)
    draw = partial(_draw, files=files, record=network.record, options=options)
    mapped: list[MappedPicture] = []
    failures: list[Failure] = []
    for batch in read_batches(paths, network.record, network.batch_size, "explaining", accept=predictor.accept):
        served = predictor.serve(batch)
        made = map_batch(network, served.batch, served.answers, options, classes)
        refused = draw_each(made, draw)
        failures += [*served.batch.failures, *refused]
        gone = {failure.image for failure in refused}
        mapped += [picture for picture in made if picture.answer.image not in gone]
    warn_of_no_evidence(mapped)
    entries = [entry for picture in mapped for entry in _entries(picture, files, options)]
    result = ExplainedBatch(tuple(entries), tuple(failures))
    if files.is_folder:
        write_json(files.out / f"{INDEX}.json", result.to_dict(predictor))
        write_table(files.out / f"{INDEX}.csv", result.to_table())
    return result


def wanted_classes(known: Sequence[str], class_name: str | None, options: ExplanationOptions) -> tuple[str, ...] | None:
    """Return the classes that every picture is mapped for; None for the class of its answer.

    Raises
    ------
    ConfigError
        The class is not known, or the method shows no class.
    """
    if class_name is None:
        return None
    if options.method in CLASSLESS:
        raise ConfigError(
            f"explanation.method = {options.method} shows what stands out to the network, of no class. Leave --class "
            "out, or choose another method."
        )
    if class_name in known:
        return (class_name,)
    if class_name == EVERY_CLASS:
        return tuple(known)
    raise ConfigError(
        f"--class {class_name} is not a class of this checkpoint, which answers with {', '.join(known)}. Choose one of "
        f"them, or {EVERY_CLASS}."
    )


def _draw(
    picture: MappedPicture,
    grey: NDArray[np.uint8],
    *,
    files: Destination,
    record: Preprocessing,
    options: ExplanationOptions,
) -> None:
    """Write the files of one radiograph."""
    answer, image = picture.answer, picture.answer.image
    told = f"{image}: answered {answer.label}, probability {answer.best_probabilities[answer.label]:.3f}"
    panels = [Panel("Radiograph", told, grey)]
    for place, name in enumerate(picture.classes):
        laid = lay(grey, picture.maps[place], record)
        panels.append(_panel(picture, place, laid))
        if (path := files.map(image, name)) is not None:
            _write_map(path, laid.heat)
    write_png(files.overlay(image), side_by_side(panels, list(_notes(picture, options))))


def _panel(picture: MappedPicture, place: int, laid: LaidMap) -> Panel:
    name, answer, zero = picture.classes[place], picture.answer, picture.maps[place].is_zero
    if picture.method in CLASSLESS:
        return Panel(METHODS[picture.method], map_caption("", None, None, zero=zero), laid.coloured)
    title = f"{name} (the answer)" if name == answer.label else name
    return Panel(title, map_caption("", name, answer.best_probabilities[name], zero=zero), laid.coloured)


def _notes(picture: MappedPicture, options: ExplanationOptions) -> Iterator[str]:
    """Yield what the colours mean, how they were made and what they are not for."""
    height, width = picture.maps.cells
    meaning = map_meaning(picture.method, "class above the picture")
    yield (
        f"Colour: {meaning}; without colour there is none. Each map is scaled to its own "
        "strongest place, so the colours of two maps cannot be compared."
    )
    yield (
        f"Method: {METHODS[picture.method]}, {height} x {width} cells over the network's input ({options.resolution} "
        "resolution). A map shows where the evidence lies, not how far a lesion extends."
    )
    if NORMAL in picture.classes and picture.method not in CLASSLESS:
        yield NO_LESION
    yield f"{DISCLAIMER}."


def _write_map(path: Path, heat: NDArray[np.float32]) -> None:
    """Write a map 0 to 1, as it is or as grey of 16 bit, where 65535 is 1."""
    if path.suffix == ".npy":
        with atomic_writer(path) as stream:
            np.save(stream, heat)
    else:
        write_png(path, (heat.clip(0, 1) * np.float32(65535)).round().astype(np.uint16))


def _entries(picture: MappedPicture, files: Destination, options: ExplanationOptions) -> Iterator[dict[str, Any]]:
    """Yield what the index tells of each map of a radiograph."""
    answer, (height, width) = picture.answer, picture.maps.cells
    for name in picture.classes:
        path = files.map(answer.image, name)
        yield {
            "image": answer.image,
            "class": mapped_class(picture.method, name),
            "probability": round(answer.best_probabilities[name], 6),
            "answered": answer.label,
            "answer_probability": round(answer.best_probabilities[answer.label], 6),
            "zero_map": name in picture.without_evidence,
            "method": picture.method,
            "resolution": options.resolution,
            "cells": f"{height} x {width}",
            "overlay": files.overlay(answer.image).relative_to(files.root).as_posix(),
            "map": None if path is None else path.relative_to(files.root).as_posix(),
        }
