"""The answers for corrupted pictures, made in passing: no picture is kept."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.data.cache import DECODING_THREADS
from osteolens.data.corruptions import CORRUPTIONS
from osteolens.data.images import read_file
from osteolens.data.preprocessing import decode_for, resize
from osteolens.domain import Preprocessing
from osteolens.inference.network import Network
from osteolens.progress import track
from osteolens.randomness import named_generator


def corrupted_probabilities(
    network: Network, paths: Sequence[Path], image_ids: Sequence[str], name: str, seed: int
) -> dict[float, NDArray[np.float64]]:
    """Answer for pictures under all strengths of one corruption; a file is decoded once for all of them.

    Parameters
    ----------
    image_ids
        Of the paths, one each: what is drawn for a picture depends on its id and not on its place.
    name
        A corruption of :data:`osteolens.data.corruptions.CORRUPTIONS`.

    Returns
    -------
    dict
        Strength to class probabilities, float64 [N, classes], in the order of the paths.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    strengths, size = CORRUPTIONS[name].strengths, network.batch_size
    answers: dict[float, list[NDArray[np.float64]]] = {strength: [] for strength in strengths}
    spoil = partial(corrupted_inputs, name=name, record=network.record, seed=seed)
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        for start in track(range(0, len(paths), size), f"{name}, batches of {len(strengths)} x {size} pictures"):
            batch = slice(start, start + size)
            pictures = np.stack(list(pool.map(spoil, paths[batch], image_ids[batch])), axis=1)
            for strength, spoiled in zip(strengths, pictures, strict=True):
                answers[strength].append(network.probabilities(spoiled))
    return {strength: np.concatenate(parts) for strength, parts in answers.items()}


def corrupted_inputs(path: Path, image_id: str, *, name: str, record: Preprocessing, seed: int) -> NDArray[np.uint8]:
    """Return one picture under each strength of a corruption as the network sees it, uint8 [strengths, size, size].

    All strengths are given the same draws, so that a curve shows the strength and not the luck of the draw.
    """
    reading = decode_for(read_file(path), record, name=str(path))
    corruption = CORRUPTIONS[name]
    spoiled = (
        corruption.apply(reading.grey, strength, named_generator(seed, "corruption", name, image_id))
        for strength in corruption.strengths
    )
    return np.stack([resize(picture, record, shape=reading.shape) for picture in spoiled])
