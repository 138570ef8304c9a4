"""Options of the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from osteolens.config.base import Count, Options


class InferenceOptions(Options):
    """Answers for new pictures."""

    default_checkpoint: Path | None = Field(None, description="used when --checkpoint is not given")
    batch_size: Count = Field(32, description="images per forward pass")
    runtime: Literal["onnxruntime", "openvino"] = Field("onnxruntime", description="what computes exported models")
    threads: Count | None = Field(None, description="CPU threads of that runtime; null: one per core")
    workers: int = Field(0, ge=0, description="processes that read files while infer computes; 0: threads of its own")
    part_size: Count = Field(256, description="files of a batch that are answered and written together")
    ray_workers: Count = Field(2, description="processes that answer with infer --ray")
