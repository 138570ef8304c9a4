"""A timm backbone that returns raw logits and knows where its last feature map is."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from osteolens.errors import ConfigError
from osteolens.models.families import family_of
from osteolens.runtime import ensure_torchvision

HEAD_DEVIATION = 0.01


class BTXRDClassifier(nn.Module):
    """A classifier of radiographs.

    Parameters
    ----------
    backbone
        timm model name of a supported family (``models/families.py``).
    num_classes
        Number of logits.
    pretrained
        Load ImageNet weights from the hub.
    drop_rate
        Dropout before the classifier, 0 to 1.
    **kwargs
        Passed to ``timm.create_model``, for example ``pad_type``, ``block_args`` or ``img_size``.

    Raises
    ------
    ConfigError
        The backbone belongs to no supported family, or bears the name of one and is built otherwise.
    """

    def __init__(
        self, backbone: str, num_classes: int = 3, pretrained: bool = False, drop_rate: float = 0.2, **kwargs: Any
    ) -> None:
        super().__init__()
        ensure_torchvision()
        import timm

        self.backbone_name = backbone
        self.family = family_of(backbone)
        network: Any = timm.create_model(
            backbone, pretrained=pretrained, num_classes=num_classes, drop_rate=drop_rate, **kwargs
        )
        _start_near_zero(network.get_classifier())
        self.network = network
        self._check_target_layer()

    network: Any  # a timm model: a module with methods that torch does not know

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [B, classes] for normalised images [B, C, H, W]."""
        return cast("torch.Tensor", self.network(images))

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last features: a map [B, features, h, w], or the tokens [B, prefix + h * w, features] of a ViT."""
        features = self.network.forward_features(images)
        return cast("torch.Tensor", features.permute(0, 3, 1, 2) if self.family.layout == "NHWC" else features)

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """Return logits [B, classes] for what :meth:`forward_features` returned.

        Parameters
        ----------
        pre_logits
            Return instead what the last layer reads, the pooled features [B, F].
        """
        features = features.permute(0, 2, 3, 1) if self.family.layout == "NHWC" else features
        return cast("torch.Tensor", self.network.forward_head(features, pre_logits=pre_logits))

    def feature_map(self, output: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return the target layer's output, or its gradient, as a map [B, C, h, w]: row 0 on top, column 0 left.

        Parameters
        ----------
        images
            The input [B, C, H, W] that it belongs to; its size gives the grid of a ViT, whose class and register
            tokens are left out.
        """
        if self.family.layout == "NHWC":
            return output.permute(0, 3, 1, 2)
        if self.family.layout == "tokens":
            patches = output[:, self.network.num_prefix_tokens :].transpose(1, 2)
            height, width = self.network.patch_embed.dynamic_feat_size(images.shape[-2:])
            return patches.reshape(*patches.shape[:2], height, width)
        return output

    @property
    def num_features(self) -> int:
        """Number of channels of the last features."""
        return int(self.network.num_features)

    @property
    def gradcam_target_layer(self) -> nn.Module:
        """The layer whose output Grad-CAM reads, in the axes of its family (:meth:`feature_map`)."""
        layer: nn.Module = self.network
        for step in self.family.target_layer.split("."):
            layer = list(layer.children())[int(step)] if step.lstrip("-").isdigit() else getattr(layer, step)
        return layer

    def linear_head(self) -> nn.Linear | None:
        """Return the last layer if the head is exactly global average pooling and this layer, else None.

        It is tried on random features rather than read off the architecture's name, so a new timm version or an
        unusual option cannot make a map silently wrong.
        """
        linear = self.network.get_classifier()
        if self.family.layout == "tokens":  # the target layer is not the last one
            return None
        if not isinstance(linear, nn.Linear) or linear.in_features != self.num_features:
            return None
        training = self.training
        generator = torch.Generator().manual_seed(0)
        features = torch.rand(2, self.num_features, 3, 3, generator=generator).to(linear.weight)
        self.eval()
        try:
            with torch.no_grad():
                logits = self.forward_head(features)
                expected = linear(features.mean(dim=(2, 3)))
        except (RuntimeError, ValueError, IndexError):  # a head that expects features of another shape
            return None
        finally:
            self.train(training)
        same = logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-4)
        return linear if same else None

    def _check_target_layer(self) -> None:
        try:
            _ = self.gradcam_target_layer
        except AttributeError as error:
            raise ConfigError(
                f"model.backbone = {self.backbone_name!r} is not built like the other {self.family.prefix}* networks: "
                f"it has no layer {self.family.target_layer}, which the maps are read from. "
                f"Use another of the family, for example {self.family.example}."
            ) from error


def _start_near_zero(head: nn.Module) -> None:
    """Let a new network begin with nearly equal probabilities.

    Some families scale the start of the classifier by its number of outputs; with three classes that gives logits of
    ten and more, and a first loss of six that takes epochs to undo.
    """
    if isinstance(head, nn.Linear):
        nn.init.normal_(head.weight, std=HEAD_DEVIATION)
        nn.init.zeros_(head.bias)
