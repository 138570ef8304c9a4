"""Options of the figures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osteolens.config.base import Options


class EvaluationOptions(Options):
    """Figures and their intervals."""

    bootstrap_resamples: Annotated[int, Field(ge=100)] = Field(
        1000, description="bootstrap resamples, by case; at least 100"
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="level of every interval")
    flip_averaging: bool = Field(
        True,
        description="average the probabilities of a picture and its mirror image, also when epochs are compared",
    )
