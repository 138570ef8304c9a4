"""What differs between families of backbones. To add a family: one row here, and the contract tests pick it up.

A row says where the last feature map is made. Whether the closed-form map is exact for a network is not a matter of its
name and is found out from the network itself (:meth:`osteolens.models.classifier.BTXRDClassifier.linear_head`).
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    prefix: str
    target_layer: str
    example: str


FAMILIES = (
    Family("efficientnet", "bn2", "efficientnet_b0"),
    Family("tf_efficientnet", "bn2", "tf_efficientnet_b0"),
    Family("mobilenetv2", "bn2", "mobilenetv2_050"),
    Family("mobilenetv3", "blocks.-1", "mobilenetv3_small_050"),
    Family("resnet", "layer4.-1", "resnet18"),
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
