"""Whether an exported model answers as its checkpoint does, on golden pictures, from the file to the probability."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import osteolens
from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.data.phantom import generate_phantom
from osteolens.data.preprocessing import read_input
from osteolens.errors import ConfigError, InferenceError
from osteolens.inference.export_record import CALIBRATED
from osteolens.inference.network import Judged, Network
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.reading import list_pictures
from osteolens.inference.torch_network import TorchNetwork
from osteolens.storage import sha256_file, write_json

TOLERANCE = 1e-3  # largest difference of a probability, of a map's value, or of a distance as a share of its limit
COMPARED = ("probabilities", "calibrated", "maps", "distance")
PHANTOMS, PHANTOM_SIDE, PHANTOM_SEED = 30, 256, 6
SINGLES = 4  # pictures that are also answered alone
RUNTIMES = ("onnxruntime", "openvino")


@contextlib.contextmanager
def golden_pictures(folder: Path | None = None) -> Iterator[list[Path]]:
    """Give the files of generated radiographs, always the same ones, and those of a folder."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "phantom"
        generate_phantom(root, seed=PHANTOM_SEED, images=PHANTOMS, longest_side=PHANTOM_SIDE)
        yield [*list_pictures(root / "images"), *([] if folder is None else list_pictures(folder))]


def verify(
    network: TorchNetwork, model: Path, paths: Sequence[Path], options: InferenceOptions, *, judged: bool = True
) -> dict[str, Any]:
    """Compare an exported model with its checkpoint under every runtime that is installed and write what differs.

    Each side reads the files by the preprocessing record of its own. The answers are compared for single pictures and
    for batches, the maps where the model has any.

    Parameters
    ----------
    options
        Threads of the runtimes.
    judged
        Whether differences above :data:`TOLERANCE` are refused; those of an int8 model are only told.

    Returns
    -------
    dict
        What ``<model>.verify.json`` holds: ``pictures``, ``tolerance``, and by runtime the largest differences of
        ``probabilities``, ``calibrated``, ``maps`` and ``distance``, None where there are none, and ``other_answers``,
        the number of pictures whose most probable class differs. A runtime that is not installed has a ``reason``.

    Raises
    ------
    InferenceError
        A difference is above the tolerance, or not a number. The file is written all the same.
    """
    expected = _Expected.of(network, paths)
    found = {runtime: _compare(expected, model, paths, options, runtime) for runtime in RUNTIMES}
    result = {
        "notice": osteolens.NOT_FOR_CLINICAL_USE,
        "model": model.name,
        "model_sha256": sha256_file(model),
        "checkpoint_sha256": network.sha256,
        "pictures": len(paths),
        "tolerance": TOLERANCE if judged else None,
        "runtimes": found,
    }
    write_json(model.with_name(f"{model.name}.verify.json"), result)
    if judged:
        _judge(model, found)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Expected:
    """What the checkpoint gives: [N, K] as predicted and calibrated; maps [N, K, h, w], distances [N]."""

    probabilities: NDArray[np.float64]
    calibrated: NDArray[np.float64] | None
    maps: NDArray[np.float32] | None
    distance: NDArray[np.float64] | None

    @classmethod
    def of(cls, network: TorchNetwork, paths: Sequence[Path]) -> _Expected:
        pictures = _inputs(network, paths)
        judged = network.judge(pictures)
        probabilities = judged.probabilities
        scaling = None if network.decisions is None else network.decisions.scaling
        calibrated = None if scaling is None else scaling.apply(probabilities)
        maps = None if network.model.linear_head() is None else _all_maps(network, pictures)
        return cls(probabilities, calibrated, maps, _shares_of_limit(judged))


def _compare(
    expected: _Expected, model: Path, paths: Sequence[Path], options: InferenceOptions, runtime: str
) -> dict[str, Any]:
    try:
        exported = OnnxNetwork.from_file(model, options.model_copy(update={"runtime": runtime}))
    except ConfigError as error:
        return {"reason": str(error)}
    pictures = _inputs(exported, paths)
    judged = exported.judge(pictures)
    answers, distance = judged.probabilities, _shares_of_limit(judged)
    single = np.concatenate([exported.probabilities(picture[None]) for picture in pictures[:SINGLES]])
    calibrated = None if expected.calibrated is None else exported.output(CALIBRATED, pictures)
    maps = _all_maps(exported, pictures) if exported.export.has_maps else None
    return {
        "reason": None,
        "probabilities": max(_largest(expected.probabilities, answers), _largest(expected.probabilities, single)),
        "calibrated": None if calibrated is None else _largest(expected.calibrated, calibrated),
        "maps": None if maps is None else _largest(expected.maps, maps),
        "distance": None if distance is None else _largest(expected.distance, distance),
        "other_answers": int((expected.probabilities.argmax(axis=1) != answers.argmax(axis=1)).sum()),
    }


def _inputs(network: Network, paths: Sequence[Path]) -> NDArray[np.uint8]:
    return np.stack([read_input(path, network.record) for path in paths])


def _all_maps(network: Network, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    classes = np.tile(np.arange(len(network.class_names)), (len(pictures), 1))
    return network.maps(pictures, classes, ExplanationOptions(method="closed_form")).values


def _shares_of_limit(judged: Judged) -> NDArray[np.float64] | None:
    """Return each picture's distance divided by the largest that is not novel."""
    return None if judged.novelty is None else np.array([one.score / one.threshold for one in judged.novelty])


def _largest(expected: NDArray[Any] | None, found: NDArray[Any]) -> float:
    """Return the largest difference, NaN where anything is or nothing was expected; `found` may be of fewer."""
    return math.nan if expected is None else float(np.abs(expected[: len(found)] - found).max())


def _judge(model: Path, found: dict[str, dict[str, Any]]) -> None:
    """Raise :class:`InferenceError` for differences above the tolerance, or when nothing was compared."""
    compared = {name: values for name, values in found.items() if values["reason"] is None}
    if not compared:
        raise InferenceError(f"{model} could not be verified: {' '.join(found[name]['reason'] for name in found)}")
    failures = [
        f"{what} by {value:.2g} under {name}"
        for name, values in compared.items()
        for what in COMPARED
        if (value := values[what]) is not None and not value <= TOLERANCE
    ]
    if failures:
        raise InferenceError(
            f"{model} does not answer as its checkpoint: it differs in {', '.join(failures)}; {TOLERANCE:g} is "
            "allowed. Do not use it; export again, and report it if that does not help."
        )
