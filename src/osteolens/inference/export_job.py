"""All that ``osteolens export`` does: the exported model, its int8 sibling, and what both differ by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.manifest import read_manifest
from osteolens.data.preprocessing import read_input
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import Column
from osteolens.errors import ConfigError
from osteolens.inference.export import export
from osteolens.inference.golden import golden_pictures, verify
from osteolens.inference.onnx_runner import EXPORT_SUFFIX
from osteolens.inference.quantise import CALIBRATION_PICTURES, quantise
from osteolens.inference.reading import list_pictures
from osteolens.inference.torch_network import TorchNetwork
from osteolens.randomness import named_generator
from osteolens.storage import RunFolder


@dataclass(frozen=True, slots=True)
class ExportWishes:
    """What is wanted of an export.

    Attributes
    ----------
    run
        Folder of the checkpoint's run; None for the recorded one.
    int8
        Write ``<name>_int8.onnx`` as well.
    calibration_data
        Folder of training pictures for it; None for the train part of the run's manifest.
    verify
        Compare what was written with the checkpoint.
    images
        Folder of further pictures to compare on.
    """

    run: Path | None = None
    int8: bool = False
    calibration_data: Path | None = None
    verify: bool = False
    images: Path | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.calibration_data is not None and not self.int8:
            problems.append("--calibration-data can be used with --int8 only.")
        if self.images is not None and not self.verify:
            problems.append("--images can be used with --verify only.")
        if problems:
            raise ConfigError(*problems)


def export_checkpoint(config: Config, checkpoint: Path, out: Path, wishes: ExportWishes) -> dict[str, Any]:
    """Export a checkpoint and return what was made.

    Returns
    -------
    dict
        ``model``, ``int8``, ``maps``, ``calibrated``, ``verified`` and ``int8_verified``, the last two as
        :func:`osteolens.inference.golden.verify`; None for what was not asked for.

    Raises
    ------
    ConfigError
        `out` does not end in ``.onnx``, or a package is missing.
    CheckpointError, DataError, InferenceError, StorageError
        As the steps; see :func:`osteolens.inference.export.export` and :func:`osteolens.inference.golden.verify`.
    """
    if out.suffix.lower() != EXPORT_SUFFIX:
        raise ConfigError(f"an exported model ends in {EXPORT_SUFFIX}, so {out} cannot be its name.")
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu").with_run(wishes.run)
    # before the export: pictures that cannot be read are told at once
    pictures = _calibration_pictures(network, config, wishes) if wishes.int8 else None
    record = export(network, out)
    small = None if pictures is None else quantise(out, out.with_stem(f"{out.stem}_int8"), pictures)
    made: dict[str, Any] = {"model": out, "int8": small, "maps": record.has_maps, "verified": None}
    made |= {"calibrated": record.decisions is not None, "int8_verified": None}
    if wishes.verify:
        with golden_pictures(wishes.images) as paths:
            made["verified"] = verify(network, out, paths, config.inference)
            if small is not None:
                made["int8_verified"] = verify(network, small, paths, config.inference, judged=False)
    return made


def _calibration_pictures(network: TorchNetwork, config: Config, wishes: ExportWishes) -> NDArray[np.uint8]:
    """Return up to 200 training pictures, drawn by the seed."""
    if wishes.calibration_data is not None:
        paths = list_pictures(wishes.calibration_data)
    else:
        run = network.recorded_run if wishes.run is None else RunFolder(wishes.run)
        data, train = load_radiographs(config.data), read_manifest(run.manifest).part("train")
        paths = [data.path(name) for name in train[Column.IMAGE_ID]]
    number = min(CALIBRATION_PICTURES, len(paths))
    chosen = named_generator(config.seed, "int8 calibration").choice(len(paths), number, replace=False)
    return np.stack([read_input(paths[index], network.record) for index in sorted(chosen)])
