"""A network so small that its maps can be worked out on paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from osteolens.models.classifier import BTXRDClassifier


class PaperNetwork(nn.Module):
    """The input's two channels are the features; then global average pooling and a linear layer of known weights.

    A test may put another layer in the place of `evidence` to make the two features of something else.
    """

    num_features = 2
    num_classes = 3

    def __init__(self) -> None:
        super().__init__()
        self.evidence, self.bn2 = nn.Identity(), nn.Identity()
        self.classifier = nn.Linear(2, 3)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0], [-1.0, 0.0]]))
            self.classifier.bias.copy_(torch.tensor([0.0, 0.5, 0.0]))

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002  timm's signature
        """Name the stages as timm does; there is one."""
        return {"blocks": "^classifier"}

    def get_classifier(self) -> nn.Linear:
        return self.classifier

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        return self.bn2(self.evidence(images) * 1.0)

    def forward_head(self, features: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        pooled = features.mean(dim=(2, 3))
        return pooled if pre_logits else self.classifier(pooled)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(images))


@pytest.fixture
def paper_model() -> BTXRDClassifier:
    model = BTXRDClassifier("mobilenetv2_050", 3)
    model.network = PaperNetwork()
    return model
