"""What decides the result of a run: by it a run recognises the checkpoints that are its own."""

from __future__ import annotations

from typing import Any

from osteolens.config import Config
from osteolens.config.changes import changes
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.models.checkpoint import Checkpoint
from osteolens.storage import fingerprint, sha256_file

_SECTIONS = ("model", "augmentation", "training")
_INDIFFERENT = {  # how and where the same steps are computed; the weights file counts by its content
    "model.weights",
    *(f"training.{name}" for name in ("accelerator", "compile", "devices", "threads", "tracking", "workers")),
}
_OWN_NAMES = {"size": "data.image_size", "mean": "model.mean", "std": "model.std"}


def ingredients(config: Config, data: RadiographSet, manifest: Manifest) -> dict[str, str | None]:
    """Return a hash of each thing besides the options that decides the result; None where it is not used."""
    weights = config.model.weights
    columns = [Column.IMAGE_ID, Column.SPLIT, Column.LABEL]
    if config.training.sampling == "class_source":
        columns.append(Column.SOURCE)
    rows = manifest.frame[columns].to_numpy().tolist()
    return {
        "data": data.data_hash(),
        "division": fingerprint(rows),
        "annotations": data.annotations_hash() if config.reads_annotations else None,
        "weights": sha256_file(weights) if weights is not None and weights.is_file() else None,
    }


def differences(checkpoint: Checkpoint, config: Config, used: dict[str, str | None]) -> str:
    """Tell in what the run of a checkpoint differs from one of `config` and the ingredients `used`, or nothing."""
    before = _options(_completed(checkpoint.config), checkpoint.preprocessing)
    now = _options(config.to_dict(), config.preprocessing().to_dict())
    for name, value in used.items():
        before[f"the hash of the {name}"], now[f"the hash of the {name}"] = checkpoint.provenance.get(name), value
    return changes(before, now)


def _completed(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a run with the defaults of options that it was made before: they change nothing."""
    defaults = Config().to_dict()
    return config | {section: defaults[section] | config.get(section, {}) for section in _SECTIONS}


def _options(config: dict[str, Any], preprocessing: dict[str, Any]) -> dict[str, Any]:
    """Return the options that decide the result, by their dotted names."""
    chosen = {name: config.get(name) for name in ("seed", "deterministic", "class_names")}
    chosen |= {f"{section}.{key}": value for section in _SECTIONS for key, value in config.get(section, {}).items()}
    chosen |= {_OWN_NAMES.get(key, f"data.{key}"): value for key, value in preprocessing.items()}
    evaluation = config.get("evaluation", {})
    chosen["evaluation.flip_averaging"] = evaluation.get("flip_averaging")  # epochs are chosen with it
    return {name: value for name, value in chosen.items() if name not in _INDIFFERENT}
