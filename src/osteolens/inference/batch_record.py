"""What the records of every batch of files begin and end with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import osteolens
from osteolens.inference.answering import Answering
from osteolens.inference.reading import Failure


def batch_record(predictor: Answering, failures: Sequence[Failure], **results: Any) -> dict[str, Any]:
    """Return `results` between the notice, the network's identity and the files that were refused, for JSON."""
    return {
        "notice": osteolens.NOT_FOR_CLINICAL_USE,
        "checkpoint_sha256": predictor.sha256,
        "engine": predictor.engine,
        "class_names": list(predictor.class_names),
        **results,
        "failures": [{"image": name, "reason": reason} for name, reason in failures],
    }
