"""Scores of novelty that are compared in ``benchmarks/novelty.py``; each grows with how unlike a picture is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.decomposition import PCA

from osteolens.inference.novelty import AXES, NoveltyModel

Floats = NDArray[np.float32]
Score = Callable[[Floats], NDArray[np.float64]]

NEIGHBOURS = 10
VIM_DIMENSIONS = 512


@dataclass(frozen=True, slots=True)
class Trained:
    """Features [N, F] and class indices [N] of the train pictures, and the last layer: [K, F] and [K]."""

    features: Floats
    labels: NDArray[np.int64]
    weight: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """Return [N, K]."""
        return np.asarray(features @ self.weight.T + self.bias, np.float32)


def probability(trained: Trained) -> Score:
    """Largest probability (Hendrycks and Gimpel 2017)."""
    return lambda features: -softmax(trained.logits(features).astype(np.float64), axis=1).max(axis=1)


def energy(trained: Trained) -> Score:
    """Energy of the logits (Liu et al. 2020)."""
    return lambda features: -logsumexp(trained.logits(features).astype(np.float64), axis=1)


def neighbours(trained: Trained) -> Score:
    """Distance to the tenth nearest train picture, features of length 1 (Sun et al. 2022)."""
    known = _unit(trained.features)

    def score(features: Floats) -> NDArray[np.float64]:
        likeness = _unit(features) @ known.T
        return -np.partition(likeness, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS].astype(np.float64)

    return score


def vim(trained: Trained) -> Score:
    """Virtual-logit matching (Wang et al. 2022) with 512 principal dimensions."""
    origin = -np.linalg.pinv(trained.weight) @ trained.bias
    centred = trained.features - origin
    _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    rest = axes[:, : max(1, axes.shape[1] - VIM_DIMENSIONS)].astype(np.float32)
    scale = trained.logits(trained.features).max(axis=1).mean() / np.linalg.norm(centred @ rest, axis=1).mean()
    by_energy = energy(trained)
    return lambda features: scale * np.linalg.norm((features - origin) @ rest, axis=1) + by_energy(features)


def mahalanobis_by_class(trained: Trained) -> Score:
    """Distance to the nearest class mean, one covariance, Ledoit and Wolf's shrinkage (Lee et al. 2018)."""
    means = np.stack([trained.features[trained.labels == label].mean(axis=0) for label in np.unique(trained.labels)])
    centred = (trained.features - means[np.searchsorted(np.unique(trained.labels), trained.labels)]).astype(np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    shrinkage = ledoit_wolf_shrinkage(centred, assume_centered=True)
    shrunk = np.maximum(variances, 0) * (1 - shrinkage) + variances.mean() * shrinkage
    return lambda features: np.min([(((features - mean) @ axes) ** 2 / shrunk).sum(axis=1) for mean in means], axis=0)


def of_principal_components(trained: Trained) -> Score:
    """Distance with the covariance of 128 probabilistic principal components, features as they are, by scikit-learn."""
    model = PCA(AXES, svd_solver="covariance_eigh").fit(trained.features.astype(np.float64))
    return lambda features: -model.score_samples(features.astype(np.float64))


def of_length_one(trained: Trained) -> Score:
    """The same for features divided by their length (Mueller and Hein 2025)."""
    model = PCA(AXES, svd_solver="covariance_eigh").fit(_unit(trained.features).astype(np.float64))
    return lambda features: -model.score_samples(_unit(features).astype(np.float64))


def of_the_package(trained: Trained) -> Score:
    """What checkpoints store; its threshold is chosen elsewhere."""
    model = NoveltyModel.fit(trained.features, trained.features)
    return lambda features: model.scores(features).astype(np.float64)


def _unit(features: Floats) -> Floats:
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), np.float32)


SCORES: dict[str, Callable[[Trained], Score]] = {
    "largest probability": probability,
    "energy": energy,
    "10th nearest neighbour": neighbours,
    "Mahalanobis, by class": mahalanobis_by_class,
    "ViM": vim,
    "Mahalanobis, principal components": of_principal_components,
    "the same, features of length 1": of_length_one,
    "**the same, square roots: as in osteolens**": of_the_package,
}
