"""Maps that know nothing of the task, scored like the network's: what a map must do better than.

* Centre prior: one who looks at the middle of every picture.
* Edge density: the gradient magnitude of the radiograph at the resolution of the map. Maps of untrained networks, and
  of some methods, are little more (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
* Random weights: the same method on the same network with random weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.agreement import MapAgreement, Masks
from osteolens.explain.case_means import Floats, mean_where_defined
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.random_weights import random_network
from osteolens.explain.resolution import cell_means
from osteolens.explain.scores import CENTRE_DEVIATION, Heat, centre_prior, map_scores
from osteolens.models.classifier import BTXRDClassifier
from osteolens.randomness import named_generator

Heats = Callable[[int], Heat]  # row to its map at the size of the mask


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Scores of a baseline on the annotated images.

    Attributes
    ----------
    about
        How it was made, plain values.
    scores
        [N, M] as in :class:`~osteolens.explain.agreement.MapAgreement`, against the outline.
    """

    about: dict[str, Any]
    scores: Floats


def score_baselines(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    agreement: MapAgreement,
    maps: Mapping[int, CellMap],
    masks: Masks,
    options: ExplanationOptions,
    seed: int,
) -> dict[str, Baseline]:
    """Score the centre prior, the edge density and the network with random weights.

    Parameters
    ----------
    pictures, labels
        uint8 [N, S, S] and [N] true classes of the whole part.
    agreement, maps, masks
        Of the network's maps: their scores, row to map [h, w], row to outline [S, S].
    options
        Of the network's maps. The scores of several random networks are averaged per image.
    """

    def scored(heats: Heats) -> Floats:
        rows = zip(agreement.rows.tolist(), agreement.ceilings, strict=True)
        values = [map_scores(heats(row), masks[row], options.iou_thresholds, ceiling=limit) for row, limit in rows]
        return np.array(values).reshape(-1, len(agreement.names))

    def of_random_weights(draw: int) -> tuple[Floats, int]:
        network = random_network(model, record, pictures, named_generator(seed, "random weights", draw))
        rows = agreement.rows
        words = f"maps of random weights, draw {draw + 1}"
        made = picture_maps(network, record, pictures[rows], labels[rows], options=options, description=words)
        places = {row: place for place, row in enumerate(rows.tolist())}
        heats = scored(lambda row: made[places[row]].enlarged(*masks[row].shape))
        return heats, sum(made[place].is_zero for place in places.values())

    drawn = [of_random_weights(draw) for draw in range(options.random_draws if agreement.rows.size else 0)]
    of_draws = np.stack([scores for scores, _ in drawn]) if drawn else np.empty((0, *agreement.outline.shape))
    about = {"draws": options.random_draws, "zero_maps": sum(zero for _, zero in drawn)}
    return {
        "centre_prior": Baseline({"deviation": CENTRE_DEVIATION}, scored(lambda row: centre_prior(*masks[row].shape))),
        "edge_density": Baseline({}, scored(lambda row: edge_density(pictures[row], maps[row]))),
        "random_weights": Baseline(about, mean_where_defined(of_draws)),
    }


def edge_density(picture: NDArray[np.uint8], like: CellMap) -> Heat:
    """Return the gradient magnitude (Sobel) of a picture [S, S], averaged over a map's cells and enlarged like it."""
    grey = picture.astype(np.float32)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return cell_means(gradient, like).enlarged(*picture.shape)
