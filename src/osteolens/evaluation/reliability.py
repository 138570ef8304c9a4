"""How far probabilities can be believed: NLL, Brier score, calibration error and the bins of a reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.calibration import PROBABILITY_FLOOR, logits_of
from osteolens.evaluation.entries import entry, resampled_entry, share_entry
from osteolens.evaluation.metrics import Floats, Integers

Flags = NDArray[np.bool_]

BINS = 10
SIMULATIONS = 200  # of a calibrated model, for the calibration error it would show by chance


def negative_log_likelihood(labels: Integers, probabilities: Floats) -> Floats:
    """Return [N] minus the logarithm of the true class's probability, 0 counted as 2.2e-16; the mean is the NLL."""
    losses: Floats = -logits_of(probabilities)[np.arange(len(labels)), labels]
    return losses


def brier_scores(labels: Integers, probabilities: Floats) -> Floats:
    """Return [N] squared distances of the probabilities from the truth, 0 to 2 (Brier 1950, all classes summed)."""
    truth = np.eye(probabilities.shape[1])[labels]
    scores: Floats = np.sum((probabilities - truth) ** 2, axis=1)
    return scores


def equal_mass_bins(scores: Floats, bins: int = BINS) -> Integers:
    """Return [N] the bin of each score: as many images in each as can be, equal scores never parted.

    An image's bin follows from the number of images with a lower score, so the order of the rows does not matter. A
    bin that lies within a run of equal scores stays empty.
    """
    below = np.searchsorted(np.sort(scores), scores, side="left")
    numbers: Integers = below * bins // len(scores)
    return numbers


def calibration_error(scores: Floats, hits: Flags, bins: int = BINS) -> Floats:
    """Return the expected calibration error with equal-mass bins, 0 to 1.

    The mean over images of the distance, in their bin, between mean score and share of hits (Naeini, Cooper &
    Hauskrecht 2015; equal mass: Nguyen & O'Connor 2015).

    Parameters
    ----------
    scores, hits
        [N] probability of an event and [..., N] whether it happened.

    Returns
    -------
    ndarray
        [...], one figure per row of `hits`.
    """
    members = np.eye(bins)[equal_mass_bins(scores, bins)]
    errors: Floats = np.abs((scores - hits) @ members).sum(axis=-1) / len(scores)
    return errors


def error_by_chance(scores: Floats, generator: np.random.Generator, bins: int = BINS) -> float:
    """Return the mean calibration error of events that do happen with the probabilities `scores`.

    The calibration error is above 0 for every finite set of images; this is how far (consistency resampling, Broecker
    & Smith 2007). The events are drawn independently: images of one case agree more and would give a larger figure.
    """
    draws = generator.random((SIMULATIONS, len(scores))) < scores
    return float(calibration_error(scores, draws, bins).mean())


def reliability_bins(
    scores: Floats, hits: Flags, cases: NDArray[np.str_], confidence: float, bins: int = BINS
) -> list[dict[str, Any]]:
    """Return the points of a reliability diagram: the share of hits in each bin as an entry, and the ``mean_score``."""
    number = equal_mass_bins(scores, bins)
    members = [number == index for index in np.unique(number)]
    return [
        {"mean_score": float(scores[inside].mean())} | share_entry(hits[inside], cases[inside], confidence)
        for inside in members
    ]


def reliability(
    labels: Integers,
    probabilities: Floats,
    cases: NDArray[np.str_],
    weights: NDArray[np.number],
    *,
    class_names: Sequence[str],
    confidence: float,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return all of it for one part.

    Parameters
    ----------
    weights
        [B, N] resamples of the images, for the intervals of NLL and Brier score.
    generator
        For :func:`error_by_chance`.

    Returns
    -------
    dict
        ``nll`` and ``brier`` with intervals; ``ece`` of the predicted class and ``classwise_ece`` (Kull et al. 2019,
        the mean over classes), each with the error ``by_chance``; ``predicted`` and ``per_class`` with ``ece``,
        ``by_chance`` and ``bins``. The calibration errors have no interval: resampling adds noise, and noise only
        ever raises them.
    """
    unlikely = negative_log_likelihood(labels, probabilities)
    impossible = np.count_nonzero(unlikely >= -np.log(PROBABILITY_FLOOR))
    floored = f"{impossible} images had probability 0 for their class, counted as 2.2e-16" if impossible else None
    totals = weights.sum(axis=1)

    def mean(losses: Floats, note: str | None = None) -> dict[str, Any]:
        return resampled_entry(float(losses.mean()), weights @ losses / totals, confidence, note=note)

    def diagram(scores: Floats, hits: Flags) -> dict[str, Any]:
        return {
            "ece": float(calibration_error(scores, hits)),
            "by_chance": error_by_chance(scores, generator),
            "bins": reliability_bins(scores, hits, cases, confidence),
        }

    predicted = diagram(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    per_class = {name: diagram(probabilities[:, k], labels == k) for k, name in enumerate(class_names)}
    classwise = {key: float(np.mean([own[key] for own in per_class.values()])) for key in ("ece", "by_chance")}
    return {
        "nll": mean(unlikely, floored),
        "brier": mean(brier_scores(labels, probabilities)),
        "ece": _error_entry(predicted),
        "classwise_ece": _error_entry(classwise),
        "predicted": predicted,
        "per_class": per_class,
    }


def _error_entry(figures: dict[str, Any]) -> dict[str, Any]:
    reason = "no interval: resampling adds noise, which raises a calibration error"
    return entry(figures["ece"], reason=reason) | {"by_chance": figures["by_chance"]}
