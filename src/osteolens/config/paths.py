"""Options of the places."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from osteolens.config.base import Options


class PathOptions(Options):
    """Where results go."""

    results_dir: Path = Field(Path("results"), description="run folders: <results_dir>/<experiment>/<split>/")
    checkpoints_dir: Path = Field(Path("checkpoints"), description="<experiment>_<split>_best.pt and _last.pt")
    splits_dir: Path | None = Field(None, description="split manifests; null: <results_dir>/<experiment>/splits")
    cache_dir: Path = Field(Path("cache"), description="decoded images, safe to delete")
