"""Options of the maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from osteolens.config.base import Fraction, Options


class ExplanationOptions(Options):
    """Class-activation maps, galleries and their scores."""

    method: Literal["auto", "closed_form", "gradcam"] = Field("auto", description="auto: closed form where it is exact")
    gallery_size: Annotated[int, Field(ge=1, le=20)] = Field(5, description="images per group (TP, FP, FN) and class")
    iou_thresholds: tuple[Fraction, ...] = Field(
        (0.3, 0.5, 0.7), description="map thresholds, as a share of its maximum"
    )
    comparison_panels: Annotated[int, Field(ge=1, le=50)] = Field(8, description="rows of annotation_comparison.png")
