"""Options of the maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from osteolens.config.base import Fraction, Options


class ExplanationOptions(Options):
    """Class-activation maps, galleries and their scores."""

    method: Literal["auto", "closed_form", "gradcam", "gradcam++", "hirescam", "eigencam"] = Field(
        "auto",
        description="auto: closed form where it is exact, gradcam elsewhere. eigencam shows what stands out to the "
        "network, of no class",
    )
    resolution: Literal["native", "double"] = Field(
        "native",
        description="double: maps with twice as many cells a side, closed form only, in 1.2 to 1.6 times the time",
    )
    gallery_size: Annotated[int, Field(ge=1, le=20)] = Field(5, description="images per group (TP, FP, FN) and class")
    iou_thresholds: tuple[Fraction, ...] = Field(
        (0.3, 0.5, 0.7), description="map thresholds, as a share of its maximum"
    )
    comparison_panels: Annotated[int, Field(ge=1, le=50)] = Field(8, description="rows of annotation_comparison.png")
    random_draws: Annotated[int, Field(ge=1, le=20)] = Field(
        3,
        description="networks of random weights whose maps are scored beside the trained one's; --proof randomises "
        "every stage so many times",
    )
    proof_images: Annotated[int, Field(ge=2)] = Field(
        60,
        description="images that --proof randomises weights and deletes pixels for, as many of each answered class; "
        "about 150 passes each",
    )
