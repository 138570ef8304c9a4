"""What differs between families of backbones. To add a family: one row here, and the contract tests pick it up.

A row says where the feature map is made that explains an answer, and in which order its axes come. Whether the
closed-form map is exact for a network is not a matter of its name and is found out from the network itself
(:meth:`osteolens.models.classifier.BTXRDClassifier.linear_head`).

A ViT answers from its class token in most members, and then the patch tokens behind the last block have no gradient at
all. Its row therefore names the input of the last attention, the choice of pytorch-grad-cam's documentation. DINO-style
networks (``*.dino``, ``*_dinov2``, ``*_dinov3``, with register tokens or without) are ViTs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from osteolens.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Family:
    """A family of timm architectures.

    Attributes
    ----------
    prefix
        How the timm names of the family begin.
    target_layer
        Dotted path of the layer whose output Grad-CAM reads; -1 takes the last child.
    example
        A small member, used by the contract tests.
    layout
        Axes of what the target layer puts out: ``NCHW``, ``NHWC`` (timm's Swin), or ``tokens`` [B, prefix + h * w, C]
        with class and register tokens in front.
    """

    prefix: str
    target_layer: str
    example: str
    layout: Literal["NCHW", "NHWC", "tokens"] = "NCHW"

    @property
    def cuts_patches(self) -> bool:
        """Whether its members cut the input into patches, on a grid that is fixed when the network is built."""
        return self.layout != "NCHW"


FAMILIES = (
    Family("efficientnet", "bn2", "efficientnet_b0"),
    Family("tf_efficientnet", "bn2", "tf_efficientnet_b0"),
    Family("mobilenetv2", "bn2", "mobilenetv2_050"),
    Family("mobilenetv3", "blocks.-1", "mobilenetv3_small_050"),
    Family("tf_mobilenetv3", "blocks.-1", "tf_mobilenetv3_small_minimal_100"),
    Family("resnet", "layer4.-1", "resnet18"),
    Family("convnext", "norm_pre", "convnext_atto"),
    Family("regnet", "final_conv", "regnetx_002"),
    Family("densenet", "features.norm5", "densenet121"),
    Family("vit_", "blocks.-1.norm1", "vit_tiny_patch16_224", "tokens"),
    Family("swin", "norm", "swin_tiny_patch4_window7_224", "NHWC"),
)


def family_of(backbone: str) -> Family:
    """Return the family of a timm model name; the longest matching prefix wins.

    Raises
    ------
    ConfigError
        No family is known for the name.
    """
    matches = [family for family in FAMILIES if backbone.startswith(family.prefix)]
    if not matches:
        known = ", ".join(family.prefix for family in FAMILIES)
        raise ConfigError(f"model.backbone = {backbone!r} belongs to no supported family; supported are {known}.")
    return max(matches, key=lambda family: len(family.prefix))
