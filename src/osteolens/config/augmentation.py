"""Options of the random changes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from osteolens.config.base import Fraction, Options


class AugmentationOptions(Options):
    """Random changes of a training picture; the mask of the lesion moves with it."""

    horizontal_flip: Fraction = Field(0.5, description="probability of a left-right flip")
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(15.0, description="largest rotation in degrees, either way")
    scale: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative zoom, either way")
    translation: Annotated[float, Field(ge=0, lt=1)] = Field(0.05, description="largest shift as a share of the side")
    brightness: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative change of brightness")
    contrast: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative change of contrast")
    vertical_flip: Fraction = Field(0.0, description="probability of an upside-down flip")
    zoom_in: Annotated[float, Field(ge=0, le=4)] = Field(
        0.0,
        description="largest further relative zoom in, about a random centre that keeps the largest outlined lesion in "
        "view",
    )
    lesion_free: Fraction = Field(
        0.0,
        description="probability that zoom_in shows a part of an outlined picture without its lesion, as a Normal: "
        "then nothing but the lesion tells the two parts apart. `sampling` and `class_weighting` go by the labels "
        "before, so Normal comes more often than they plan",
    )
    gamma: Annotated[float, Field(ge=0, lt=4)] = Field(
        0.0, description="largest relative change of the exponent of the grey values, either way"
    )
    low_resolution: Annotated[float, Field(ge=1, le=8)] = Field(
        1.0, description="every other picture is shrunk by up to this factor and enlarged again; 1 is off"
    )
    sharpness: Fraction = Field(
        0.0, description="largest amount of sharpening or blurring; 1 doubles the fine detail or takes all of it"
    )
    noise: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0, description="largest standard deviation of Gaussian noise as a share of the grey range"
    )
    erase: Fraction = Field(
        0.0, description="probability that an even rectangle covers 2 to 10% of the picture, never an outlined lesion"
    )

    @property
    def avoids_lesions(self) -> bool:
        """Whether a draw depends on where the lesion lies."""
        return self.zoom_in > 0 or self.erase > 0

    @model_validator(mode="after")
    def _parts_are_zoomed(self) -> Self:
        if self.lesion_free > 0 and self.zoom_in == 0:
            raise ValueError("lesion_free shows a part of a picture: set zoom_in above 0, for example to 1")
        return self
