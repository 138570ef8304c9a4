"""Options of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from osteolens.config.base import Fraction, Options

# of grey values between 0 and 1; some networks are trained without scaling, which is a deviation of 1
Deviation = Annotated[float, Field(gt=0, le=1)]


class ModelOptions(Options):
    """The network."""

    backbone: str = Field("efficientnet_b0", description="timm model name of a family in models/families.py")
    attn_layer: Literal["cbam"] | None = Field(
        None, description="attention put into every residual block (ResNet family)"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.2, description="dropout before the classifier")
    pretrained: bool = Field(False, description="ImageNet weights from the hub; needs a network")
    weights: Path | None = Field(
        None, description="local ImageNet weights, .safetensors or a safe .pth; instead of the hub"
    )
    pad_type: Literal["", "same"] = Field("", description="'same' for weights that came from TensorFlow")
    mean: tuple[Fraction, Fraction, Fraction] = Field(
        (0.485, 0.456, 0.406), description="input mean the weights expect, 0 to 1"
    )
    std: tuple[Deviation, Deviation, Deviation] = Field(
        (0.229, 0.224, 0.225), description="input deviation, above 0 and at most 1"
    )

    @model_validator(mode="after")
    def _one_source_of_weights(self) -> Self:
        if self.pretrained and self.weights is not None:
            raise ValueError("model.pretrained and model.weights exclude each other: set one of them to false / null")
        return self
