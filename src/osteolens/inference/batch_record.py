"""What the records of every batch of files begin and end with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import osteolens
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import Failure


def batch_record(predictor: Predictor, failures: Sequence[Failure], **results: Any) -> dict[str, Any]:
    """Return `results` between the notice, the network's identity and the files that were refused, for JSON."""
    network = predictor.network
    return {
        "notice": osteolens.NOT_FOR_CLINICAL_USE,
        "version": osteolens.__version__,
        "checkpoint_sha256": network.sha256,
        "engine": network.engine,
        "class_names": list(network.class_names),
        "uncalibrated": network.uncalibrated,
        "caveats": network.caveats,
        "accept": sorted(predictor.accept),
        **results,
        "failures": [dataclasses.asdict(failure) for failure in failures],
    }
