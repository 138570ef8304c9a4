"""Maps of pictures of the classes that are asked for of each, in batches."""

from __future__ import annotations

from collections.abc import Sequence
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
    rows: Sequence[int] | None = None,
    description: str = "class-activation maps",
) -> CellMap:
    """Return the maps of pictures, each of its own class or classes.

    Only the classes that a batch asks for are mapped, since gradient methods need a pass for each.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized.
    classes
        [M] or [M, K]: the class or classes of each of the M pictures that are mapped.
    rows
        Places of these in `pictures`, in order; None for all.

    Returns
    -------
    CellMap
        [M, h, w] or [M, K, h, w]
    """
    places = np.arange(len(pictures)) if rows is None else np.asarray(rows)
    made = []
    for start in track(range(0, len(places), BATCH), description):
        part = slice(start, start + BATCH)
        wanted = np.unique(classes[part])
        images = torch.from_numpy(normalise(pictures[places[part]], record))
        found = class_maps(model, images, method=options.method, resolution=options.resolution, classes=wanted.tolist())
        own = np.arange(len(images)).reshape(-1, *[1] * (classes.ndim - 1))
        made.append(found.maps[own, np.searchsorted(wanted, classes[part])])
    return replace(made[0], values=np.concatenate([maps.values for maps in made]))
