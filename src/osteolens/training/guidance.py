"""Attention guidance: a loss that draws the evidence for the true class into a region of the picture.

The evidence is the class-activation map in closed form (Zhou et al., CVPR 2016), linear weights times last features;
what counts is the share of its positive part that lies in the region, the energy of Wang et al. ("Score-CAM", CVPR
workshops 2020), which Rao et al. ("Studying How to Efficiently and Effectively Guide Models with Explanations", ICCV
2023) train as 1 - energy. Here the loss is its negative logarithm. Regions are outlined lesions, and random places on
pictures without a lesion; docs/decisions/2026-11-22-attention-guidance.md says why.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from osteolens.config import TrainingOptions
from osteolens.errors import ConfigError
from osteolens.explain.upsample import interpolation
from osteolens.models.classifier import BTXRDClassifier

EVIDENCE_FLOOR = 0.1  # even evidence added everywhere, in logits: a map without any has the energy of chance


class GuidedClassifier(nn.Module):
    """A network that also returns the evidence for the true class, in the one forward pass that engines wrap."""

    def __init__(self, classifier: BTXRDClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, classes] and evidence float32 [B, h, w] for images [B, C, H, W] and their classes [B]."""
        features = self.classifier.forward_features(images)
        logits = self.classifier.forward_head(features)
        weights = self.classifier.network.get_classifier().weight[labels]
        with torch.autocast(features.device.type, enabled=False):  # small numbers are told apart
            evidence = torch.einsum("bf,bfhw->bhw", weights.float(), features.float())
        return logits, evidence


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """The loss on the maps of one network.

    Attributes
    ----------
    down, right
        [h, H] and [w, W], columns summing to 1: share of each cell in the map's value at each row and column of pixels.
    """

    down: Tensor
    right: Tensor
    options: TrainingOptions

    def weight(self, epoch: int) -> float:
        """Return the weight of the loss in an epoch, counted from 0: a straight line from 0, then constant."""
        warmup = self.options.guidance_warmup
        return self.options.guidance_weight * (min(1.0, epoch / warmup) if warmup > 0 else 1.0)

    def losses(self, evidence: Tensor, regions: Tensor) -> Tensor:
        """Return the loss of each picture, float32 [B], 0 where its region is empty.

        Parameters
        ----------
        evidence
            [B, h, w], in logits.
        regions
            uint8 0/1 [B, H, W].
        """
        inside = self.down @ regions.float() @ self.right.T
        everywhere = torch.outer(self.down.sum(dim=1), self.right.sum(dim=1))
        return energy_losses(evidence, inside, everywhere)


def energy_losses(evidence: Tensor, inside: Tensor, everywhere: Tensor) -> Tensor:
    """Return minus the logarithm of the energy, the share of the positive evidence that lies in the region, [B].

    Parameters
    ----------
    evidence
        [B, h, w], in logits.
    inside, everywhere
        [B, h, w] and [h, w]: pixels of the region and of the whole picture that belong to each cell.
    """
    positive = evidence.relu() + EVIDENCE_FLOOR
    energy = (positive * inside).sum(dim=(1, 2)) / (positive * everywhere).sum(dim=(1, 2))
    guided = inside.sum(dim=(1, 2)) > 0
    return -torch.where(guided, energy, 1.0).log()


def create_guidance(model: BTXRDClassifier, options: TrainingOptions, image_size: int) -> Guidance | None:
    """Return the loss for a network on inputs of `image_size` pixels, or None where guidance is off.

    Raises
    ------
    ConfigError
        The network does not end in global average pooling and one linear layer, so its evidence has no closed form.
    """
    if options.guidance_weight == 0:
        return None
    if model.linear_head() is None:
        raise ConfigError(
            f"training.guidance_weight is above 0, but {model.backbone_name} does not end in global average pooling "
            "and one linear layer. Choose EfficientNet, MobileNetV2, ResNet, RegNet, DenseNet or Swin, or set "
            "training.guidance_weight=0."
        )
    images = torch.zeros(1, 3, image_size, image_size, device=next(model.parameters()).device)
    training = model.training
    model.eval()
    with torch.no_grad():
        cells = model.forward_features(images).shape[-2:]
    model.train(training)
    down, right = (cell_shares(image_size, int(count)).to(images.device) for count in cells)
    return Guidance(down, right, options)


def cell_shares(pixels: int, cells: int) -> Tensor:
    """Return how a map is enlarged along one axis, float32 [cells, pixels], columns summing to 1."""
    return torch.from_numpy(interpolation(pixels, cells, cells / pixels, 0.0).T)
