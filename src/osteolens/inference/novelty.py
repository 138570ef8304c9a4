"""Does a picture look like the radiographs that a network was trained on? The distance of its pooled features.

The score is Mahalanobis' distance (Lee et al. 2018, arXiv 1807.03888, with one class for all) of the features' signed
square roots, which are nearer to normally distributed than the features themselves (Perronnin et al. 2010, doi
10.1007/978-3-642-15561-1_11). The covariance is that of probabilistic principal components (Tipping and Bishop 1999,
doi 10.1111/1467-9868.00196): a variance along each of the first axes, and one along all others. So the parameters stay
small beside a network, and few pictures are enough.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteolens.errors import CheckpointError, TrainingError

FORMAT = 1
AXES = 128  # at most
REFUSED = 0.05  # share of radiographs like those trained on that is called novel
_SMALLEST_VARIANCE = 1e-12  # so that nothing is divided by 0 where features never vary
_FIELDS = {"mean": 1, "axes": 2, "deviations": 1, "noise": 0, "threshold": 0, "refused": 0}  # number of dimensions

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Novelty:
    """What the distance of one picture says.

    Attributes
    ----------
    score
        Distance of its features; at least 0, no unit.
    threshold
        The largest distance that is not novel.
    refused
        Share (0 to 1) of radiographs like those trained on that lie beyond it.
    """

    score: float
    threshold: float
    refused: float

    @property
    def is_novel(self) -> bool:
        """Whether the picture is too far from those trained on; features that are not finite are."""
        return not self.score <= self.threshold

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self) | {"is_novel": self.is_novel}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Novelty:
        """Rebuild from :meth:`to_dict`, or from the JSON of it, which has null for a distance that is not finite."""
        score = math.nan if values["score"] is None else values["score"]
        return cls(score, values["threshold"], values["refused"])

    @property
    def reason(self) -> str:
        """The same as half a sentence, to follow the picture's name."""
        looks = "does not look" if self.is_novel else "looks"
        distances = f"(distance {self.score:.1f}, limit {self.threshold:.1f})"
        return f"{looks} like the radiographs the network was trained on {distances}"

    @property
    def words(self) -> str:
        """The same as a sentence."""
        return f"This {self.reason}{'; do not rely on the answer' if self.is_novel else ''}."


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyModel:
    """The parameters of the distance, float32.

    Attributes
    ----------
    mean
        Of the features' signed square roots, [F].
    axes
        Principal axes, orthonormal rows [K, F].
    deviations
        Standard deviation along each of them, [K].
    noise
        Standard deviation along every other direction.
    threshold, refused
        See :class:`Novelty`.

    Raises
    ------
    CheckpointError
        The parameters do not fit together, are not finite, or are not above 0 where they must be.
    """

    mean: Floats
    axes: Floats
    deviations: Floats
    noise: float
    threshold: float
    refused: float

    def __post_init__(self) -> None:
        positive = (self.deviations, self.noise, self.threshold, self.refused, 1 - self.refused)
        fits = self.axes.shape == (len(self.deviations), len(self.mean))
        finite = all(np.isfinite(getattr(self, name)).all() for name in _FIELDS)
        if not (fits and finite and all(np.all(np.asarray(value) > 0) for value in positive)):
            raise CheckpointError(
                "the parameters of novelty do not fit together or are out of range. Take an undamaged copy, or train "
                "again."
            )

    @classmethod
    def fit(cls, features: Floats, held_out: Floats, *, axes: int = AXES, refused: float = REFUSED) -> NoveltyModel:
        """Fit the distance on features of train pictures and choose the threshold on others.

        The threshold is the distance that, of n held-out pictures, ``ceil((n + 1) * (1 - refused))`` do not exceed: one
        more such picture exceeds it with a probability of at most `refused`, whatever the distribution (Vovk et al.
        2005). The network must not have been trained on the held-out pictures: those it knows lie closer.

        Parameters
        ----------
        features, held_out
            Pooled features [N, F] and [M, F].

        Raises
        ------
        TrainingError
            There are fewer than two train pictures, too few held-out ones for the share, or features that are not
            finite.
        """
        if len(features) < 2:
            raise TrainingError(f"{len(features)} train pictures are too few to tell which others are novel.")
        if not (np.isfinite(features).all() and np.isfinite(held_out).all()):
            raise TrainingError("the features of the network are not finite, so nothing can be called novel.")
        mean, directions, variances = _principal(_rooted(features).astype(np.float64))
        kept = min(axes, (len(features) - 1) // 2, len(mean) - 1)  # some are left to tell the noise
        model = cls(
            mean=mean.astype(np.float32),
            axes=np.ascontiguousarray(directions[:kept], np.float32),
            deviations=np.sqrt(variances[:kept]).astype(np.float32),
            noise=float(np.sqrt(variances[kept:].sum() / (len(mean) - kept))),
            threshold=1.0,  # until the distances that it is chosen from are known
            refused=refused,
        )
        return dataclasses.replace(model, threshold=_limit(model.scores(held_out), refused))

    def scores(self, features: Floats) -> Floats:
        """Return the distance of pooled features [N, F], float32 [N].

        Raises
        ------
        CheckpointError
            The features are those of another network.
        """
        if features.shape[1] != len(self.mean):
            raise CheckpointError(
                f"the parameters of novelty are of {len(self.mean)} features, the network has {features.shape[1]}."
            )
        centred = _rooted(features) - self.mean
        along = centred @ self.axes.T
        others = centred - along @ self.axes
        squares = ((along / self.deviations) ** 2).sum(axis=1) + ((others / self.noise) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(squares), np.float32)

    def judge(self, features: Floats) -> tuple[Novelty, ...]:
        """Return what the distance says of each of the pooled features [N, F]."""
        return tuple(Novelty(score, self.threshold, self.refused) for score in self.scores(features).tolist())

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return plain arrays for a checkpoint or an export, all float32."""
        arrays = {name: np.asarray(getattr(self, name), np.float32) for name in _FIELDS}
        return {"format": np.asarray(FORMAT, np.float32), **arrays}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, ArrayLike]) -> NoveltyModel:
        """Rebuild from :meth:`to_arrays`; raises :class:`osteolens.errors.CheckpointError` for anything else."""
        damaged = "the parameters of novelty are damaged or of another version. Take an undamaged copy, or train again."
        try:
            values = {name: np.asarray(arrays[name], np.float32) for name in ("format", *_FIELDS)}
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(damaged) from error
        if set(arrays) != set(values) or values.pop("format").tolist() != FORMAT:
            raise CheckpointError(damaged)
        if any(values[name].ndim != dimensions for name, dimensions in _FIELDS.items()):
            raise CheckpointError(damaged)
        numbers = {name: float(values[name]) for name in ("noise", "threshold", "refused")}
        return cls(values["mean"], values["axes"], values["deviations"], **numbers)


def _limit(scores: Floats, refused: float) -> float:
    """Return the distance that one more picture exceeds with a probability of at most `refused`."""
    place = math.ceil((len(scores) + 1) * (1 - refused) - 1e-9)
    if place > len(scores):
        raise TrainingError(f"{len(scores)} held-out pictures are too few to choose the limit of {refused:.0%} by.")
    return float(np.sort(scores)[place - 1])


def _rooted(features: Floats) -> Floats:
    """Return the signed square root of each feature."""
    return np.asarray(np.sign(features) * np.sqrt(np.abs(features)), np.float32)


def _principal(
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean [F], principal axes as rows [A, F] and their variances [A], largest first; A is at most F."""
    mean = rows.mean(axis=0)
    centred = rows - mean
    if len(rows) < len(mean):  # then far cheaper
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        return mean, axes, np.maximum(lengths**2 / (len(rows) - 1), _SMALLEST_VARIANCE)
    variances, directions = np.linalg.eigh(centred.T @ centred / (len(rows) - 1))
    return mean, directions.T[::-1], np.maximum(variances[::-1], _SMALLEST_VARIANCE)
