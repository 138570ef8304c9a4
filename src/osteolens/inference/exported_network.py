"""The network as it is exported: from 8-bit pictures to answers, maps and features in one graph."""

from __future__ import annotations

import torch
from torch import nn

from osteolens.domain import Preprocessing
from osteolens.evaluation.calibration import PROBABILITY_FLOOR, Scaling
from osteolens.inference.export_record import CALIBRATED, DISTANCE, FEATURES, MAPS, PROBABILITIES
from osteolens.inference.novelty import NoveltyModel
from osteolens.models.classifier import BTXRDClassifier


class ExportedNetwork(nn.Module):
    """A classifier with all that stands before and behind it.

    Parameters
    ----------
    flip_averaging
        Average the probabilities of each picture and of its mirror image; maps and features are of the picture alone.
    scaling
        Temperature of the calibrated probabilities; None leaves that output out.
    novelty
        What tells pictures unlike those trained on; None leaves the distance out.
    """

    mean: torch.Tensor
    std: torch.Tensor
    weights: torch.Tensor
    biases: torch.Tensor
    known: torch.Tensor
    axes: torch.Tensor
    deviations: torch.Tensor
    noise: torch.Tensor

    def __init__(
        self,
        model: BTXRDClassifier,
        record: Preprocessing,
        *,
        flip_averaging: bool,
        scaling: Scaling | None,
        novelty: NoveltyModel | None,
    ) -> None:
        super().__init__()
        self.model = model
        self.linear = model.linear_head()
        self.flip_averaging = flip_averaging
        self.is_scaled, self.tells_novelty = scaling is not None, novelty is not None
        self.register_buffer("mean", torch.tensor(record.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(record.std)[:, None, None])
        if scaling is not None:
            self.register_buffer("weights", torch.tensor(scaling.weights, dtype=torch.float32))
            self.register_buffer("biases", torch.tensor(scaling.biases, dtype=torch.float32))
        if novelty is not None:
            parameters = {"known": novelty.mean, "axes": novelty.axes, "deviations": novelty.deviations}
            for name, values in (parameters | {"noise": novelty.noise}).items():
                self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    @property
    def output_names(self) -> list[str]:
        """Names of what :meth:`forward` returns, in its order."""
        calibrated = [CALIBRATED] if self.is_scaled else []
        maps, distance = [] if self.linear is None else [MAPS], [DISTANCE] if self.tells_novelty else []
        return [PROBABILITIES, *calibrated, *maps, FEATURES, *distance]

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs for resized pictures uint8 [N, S, S].

        They are probabilities as predicted [N, K], the same after temperature scaling [N, K], maps of all classes
        [N, K, h, w] from 0 to 1 where the closed form is exact, the pooled features [N, F], and their distance [N].
        """
        images = (pictures.unsqueeze(1).float() / 255 - self.mean) / self.std
        if self.flip_averaging:
            images = torch.cat([images, images.flip(3)])
        features = self.model.forward_features(images)
        probabilities = self.model.forward_head(features).softmax(dim=1)
        if self.flip_averaging:
            own, mirrored = probabilities.chunk(2)
            probabilities, features = (own + mirrored) / 2, features.chunk(2)[0]
        outputs = [probabilities]
        if self.is_scaled:
            logits = probabilities.clamp(min=PROBABILITY_FLOOR).log()
            outputs.append((logits * self.weights + self.biases).softmax(dim=1))
        if self.linear is not None:
            outputs.append(_class_maps(self.linear, features))
        outputs.append(self.model.forward_head(features, pre_logits=True))
        return (*outputs, self._distance(outputs[-1])) if self.tells_novelty else tuple(outputs)

    def _distance(self, features: torch.Tensor) -> torch.Tensor:
        """Return what :meth:`osteolens.inference.novelty.NoveltyModel.scores` returns for pooled features [N, F]."""
        centred = features.sign() * features.abs().sqrt() - self.known
        along = centred @ self.axes.T
        others = centred - along @ self.axes
        squares = ((along / self.deviations) ** 2).sum(dim=1) + ((others / self.noise) ** 2).sum(dim=1)
        return squares.sqrt()


def _class_maps(linear: nn.Linear, features: torch.Tensor) -> torch.Tensor:
    """Return the maps that :func:`osteolens.explain.cam.class_maps` makes in closed form."""
    evidence = torch.einsum("kf,bfhw->bkhw", linear.weight, features).relu()
    highest = evidence.amax(dim=(2, 3), keepdim=True)
    return evidence / torch.where(highest > 0, highest, torch.ones_like(highest))
