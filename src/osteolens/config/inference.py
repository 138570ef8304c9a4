"""Options of the answers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from osteolens.config.base import Count, Options


class InferenceOptions(Options):
    """Answers for new pictures."""

    default_checkpoint: Path | None = Field(None, description="used when --checkpoint is not given")
    batch_size: Count = Field(32, description="images per forward pass")
