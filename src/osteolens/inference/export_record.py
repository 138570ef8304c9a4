"""What an exported model carries beside its network, as metadata of the ONNX file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import osteolens
from osteolens.domain import Preprocessing
from osteolens.errors import CheckpointError, ConfigError, DataError
from osteolens.inference.decision_record import DecisionRecord
from osteolens.storage import to_json

FORMAT = "osteolens-export-1"
RECORD_KEY = "osteolens"
PICTURES = "pictures"  # the graph's input
# its outputs
PROBABILITIES, CALIBRATED, MAPS, FEATURES, DISTANCE = "probabilities", "calibrated", "maps", "features", "distance"
Precision = Literal["float32", "int8"]


@dataclass(frozen=True, slots=True)
class NoveltyLimit:
    """The largest distance that is not novel, and the share (0 to 1) of radiographs trained on that lie beyond it."""

    threshold: float
    refused: float

    def __post_init__(self) -> None:
        if not (0 < self.threshold < math.inf and 0 < self.refused < 1):
            raise DataError(f"its limit of novelty, {self.threshold} for {self.refused}, is impossible.")


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """Everything beside the network that decides or explains its answers.

    Attributes
    ----------
    class_names
        In the order of the probabilities.
    flip_averaging
        Whether the graph averages each picture with its mirror image.
    checkpoint_sha256
        Hash of the checkpoint that was exported.
    backbone
        timm name of the network.
    has_maps
        Whether the graph puts out class-activation maps.
    batch_size
        Images per forward pass.
    version
        Of osteolens, that exported it.
    decisions
        Temperature, conformal cutoffs and operating points; None where they were not given.
    novelty
        By it the graph's distances are judged; None where the checkpoint could not tell novel pictures.
    """

    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    flip_averaging: bool
    checkpoint_sha256: str
    backbone: str
    has_maps: bool
    batch_size: int
    version: str
    precision: Precision = "float32"
    decisions: DecisionRecord | None = None
    novelty: NoveltyLimit | None = None

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision) or self.batch_size < 1 or len(self.class_names) < 2:
            raise DataError(
                f"precision {self.precision!r}, batch size {self.batch_size} and {len(self.class_names)} classes "
                "are not those of an exported model."
            )
        if self.decisions is not None and self.decisions.class_names != self.class_names:
            raise DataError(f"its decisions are of the classes {', '.join(self.decisions.class_names)}.")

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of the file, text by key."""
        values = {
            "format": FORMAT,
            "preprocessing": self.preprocessing.to_dict(),
            "class_names": self.class_names,
            "flip_averaging": self.flip_averaging,
            "checkpoint_sha256": self.checkpoint_sha256,
            "backbone": self.backbone,
            "has_maps": self.has_maps,
            "batch_size": self.batch_size,
            "version": self.version,
            "precision": self.precision,
            "decisions": None if self.decisions is None else self.decisions.to_dict(),
            "novelty": None if self.novelty is None else dataclasses.asdict(self.novelty),
        }
        return {"notice": osteolens.NOT_FOR_CLINICAL_USE, "version": self.version, RECORD_KEY: to_json(values)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> ExportRecord:
        """Rebuild from :meth:`to_metadata`; `name` is used in messages only.

        Raises
        ------
        CheckpointError
            The metadata are not those of an exported model, or are damaged.
        """
        if RECORD_KEY not in metadata:
            raise CheckpointError(
                f"{name} is an ONNX model without the record of osteolens, so neither its classes nor its "
                "preprocessing are known. Make it with osteolens export."
            )
        try:
            return cls(**_fields(json.loads(metadata[RECORD_KEY])))
        except (KeyError, TypeError, ValueError, AttributeError, ConfigError, DataError) as error:
            raise CheckpointError(
                f"the record of osteolens in {name} is damaged or of another version ({error}). Export the checkpoint "
                "again."
            ) from error


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    if values.pop("format") != FORMAT:
        raise DataError(f"its format is not {FORMAT}.")
    decisions, novelty = values["decisions"], values["novelty"]
    return values | {
        "class_names": tuple(values["class_names"]),
        "preprocessing": Preprocessing.from_dict(values["preprocessing"]),
        "decisions": None if decisions is None else DecisionRecord.from_dict(decisions),
        "novelty": None if novelty is None else NoveltyLimit(**novelty),
    }
