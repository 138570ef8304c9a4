"""Options of the figures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from osteolens.config.base import Options


class EvaluationOptions(Options):
    """Figures and their intervals."""

    bootstrap_resamples: Annotated[int, Field(ge=100)] = Field(
        1000, description="bootstrap resamples, by case; at least 100"
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="level of every interval")
    intervals: Literal["bca", "percentile"] = Field(
        "bca", description="limits of the intervals: bias-corrected and accelerated, or plain percentiles"
    )
    flip_averaging: bool = Field(
        True,
        description="average the probabilities of a picture and its mirror image, also when epochs are compared",
    )
