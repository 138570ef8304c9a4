from __future__ import annotations

import numpy as np
import pytest
import torch

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.agreement import score_maps
from osteolens.explain.baselines import edge_density, score_baselines
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.random_weights import random_network
from osteolens.explain.scores import Ceiling, map_scores
from osteolens.models.classifier import BTXRDClassifier
from osteolens.randomness import named_generator

SIDE = 64
RECORD = Preprocessing(size=SIDE)
THRESHOLDS = (0.5,)


@pytest.fixture(scope="module")
def model() -> BTXRDClassifier:
    torch.manual_seed(1)
    return BTXRDClassifier("mobilenetv2_050", 3).eval()


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (5, SIDE, SIDE)).astype(np.uint8)


def mask(top: int, left: int) -> np.ndarray:
    lesion = np.zeros((SIDE, SIDE), np.uint8)
    lesion[top : top + 20, left : left + 20] = 1
    return lesion


MASKS = {1: mask(22, 22), 3: mask(2, 40), 4: mask(30, 0)}
LABELS = np.array([0, 1, 0, 2, 1])


def scored(model, pictures, masks, draws=2):
    maps = {row: CellMap(np.eye(2, dtype=np.float32)) for row in masks}
    agreement = score_maps(maps, masks, masks, THRESHOLDS)
    found = score_baselines(
        model,
        RECORD,
        pictures,
        LABELS,
        agreement=agreement,
        maps=maps,
        masks=masks,
        options=ExplanationOptions(iou_thresholds=THRESHOLDS, random_draws=draws),
        seed=3,
    )
    return agreement, found


def test_the_centre_prior_hits_what_lies_in_the_middle(model, pictures):
    agreement, found = scored(model, pictures, MASKS)
    pointing = agreement.names.index("pointing_game")
    assert found["centre_prior"].scores[:, pointing].tolist() == [1, 0, 0]
    ceiling = agreement.names.index("ceiling")
    assert found["centre_prior"].scores[:, ceiling].tolist() == [limit.iou for limit in agreement.ceilings]


def test_random_weights_are_the_mean_over_networks_of_the_true_classes_maps(model, pictures):
    agreement, found = scored(model, pictures, MASKS)
    energy = agreement.names.index("energy")
    by_draw = []
    for draw in range(2):
        network = random_network(model, RECORD, pictures, named_generator(3, "random weights", draw))
        maps = picture_maps(network, RECORD, pictures, LABELS, options=ExplanationOptions())
        heats = {row: maps[row].enlarged(SIDE, SIDE) for row in MASKS}
        by_draw.append(
            [map_scores(heats[row], MASKS[row], THRESHOLDS, ceiling=Ceiling(1, 1))[energy] for row in sorted(MASKS)]
        )
    np.testing.assert_allclose(found["random_weights"].scores[:, energy], np.nanmean(by_draw, axis=0), rtol=1e-4)
    assert found["random_weights"].about["draws"] == 2


def test_edges_are_where_the_picture_changes():
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[:, 48:] = 200  # an edge at three quarters of the width
    heat = edge_density(picture, CellMap(np.zeros((4, 4), np.float32)))
    assert heat.shape == (SIDE, SIDE)
    # The edge touches the last pixel of the third cell and the first of the fourth alike.
    assert heat[10].argmax() in range(40, 56)
    assert heat[:, :16].max() == 0
    np.testing.assert_allclose(heat, heat[::-1], rtol=1e-4, atol=1e-4)


def test_a_flat_picture_has_no_edges():
    assert edge_density(np.full((SIDE, SIDE), 90, np.uint8), CellMap(np.zeros((4, 4), np.float32))).max() == 0


def test_no_annotated_image(model, pictures):
    agreement, found = scored(model, pictures, {})
    assert {name: baseline.scores.shape for name, baseline in found.items()} == dict.fromkeys(
        ("centre_prior", "edge_density", "random_weights"), (0, len(agreement.names))
    )
