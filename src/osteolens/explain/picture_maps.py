"""One map per picture, of the class that is asked for of each, in batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.explain.cam import class_maps
from osteolens.explain.cell_map import CellMap
from osteolens.models.classifier import BTXRDClassifier
from osteolens.progress import track

BATCH = 16


def picture_maps(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    classes: NDArray[np.int64],
    *,
    options: ExplanationOptions,
    description: str = "class-activation maps",
) -> CellMap:
    """Return the maps [N, h, w] of pictures uint8 [N, S, S], already resized, each of its class in `classes` ([N]).

    Only the classes that a batch holds are mapped, since gradient methods need a pass for each.
    """
    made = []
    for start in track(range(0, len(pictures), BATCH), description):
        part = slice(start, start + BATCH)
        wanted, position = np.unique(classes[part], return_inverse=True)
        images = torch.from_numpy(normalise(pictures[part], record))
        found = class_maps(model, images, method=options.method, resolution=options.resolution, classes=wanted.tolist())
        made.append(found.maps[np.arange(len(position)), position])
    return replace(made[0], values=np.concatenate([maps.values for maps in made]))
