from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.random_weights import group_label, layer_groups, random_network, randomise
from osteolens.explain.sanity import LIKENESS, Cascade, likeness, randomisation_cascade
from osteolens.models.classifier import BTXRDClassifier

SIDE = 64
RECORD = Preprocessing(size=SIDE)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (6, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def mobilenet() -> BTXRDClassifier:
    torch.manual_seed(1)
    return BTXRDClassifier("mobilenetv2_050", 3).eval()


@pytest.fixture(params=["mobilenetv2_050", "vit_tiny_patch16_224"])
def model(request, mobilenet) -> BTXRDClassifier:
    if request.param == mobilenet.backbone_name:
        return mobilenet
    return BTXRDClassifier(request.param, 3, img_size=SIDE).eval()


def test_the_rank_correlation_is_that_of_scipy():
    generator = np.random.default_rng(3)
    one, other = generator.integers(0, 9, (2, 4, 5, 6)).astype(np.float32)
    found = likeness(one, other)[:, LIKENESS.index("spearman")]
    np.testing.assert_allclose(
        found, [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    )


def test_overlap_and_highest_cell_by_hand():
    one = np.array([[[1.0, 0.5], [0.4, 0.0]], [[0.0, 0.1], [0.2, 1.0]]], np.float32)
    other = np.array([[[0.8, 0.0], [0.7, 0.1]], [[1.0, 0.9], [0.0, 0.1]]], np.float32)
    # 1 and 0.5 against 0.8 and 0.7: one of three shared; 1 against 1 and 0.9: none.
    assert likeness(one, other)[:, 1:].tolist() == [[pytest.approx(1 / 3), 1], [0, 0]]


def test_a_map_without_evidence_is_like_none():
    one = np.stack([np.zeros((2, 2)), np.ones((2, 2))]).astype(np.float32)
    other = np.random.default_rng(0).random((2, 2, 2)).astype(np.float32)
    found = likeness(one, other)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[1]).tolist() == [True, False, False]  # no ranks where all is equal


def test_the_groups_are_all_parameters_once_head_first(model):
    groups = layer_groups(model)
    names = [name for group in groups for name in group]
    assert sorted(names) == sorted(name for name, _ in model.network.named_parameters())
    head = {id(parameter) for parameter in model.network.get_classifier().parameters()}
    assert {id(dict(model.network.named_parameters())[name]) for name in groups[0]} >= head
    assert 5 < len(groups) < 20


def test_labels_name_modules():
    assert group_label(["blocks.3.0.conv.weight", "blocks.3.1.bn.bias"]) == "blocks.3"
    assert group_label(["conv_head.weight", "bn2.weight", "bn2.bias"]) == "conv_head, bn2"
    assert group_label(["classifier.weight", "classifier.bias"]) == "classifier"
    assert group_label(["blocks.6.0.conv.weight", "conv_head.weight"]) == "blocks.6, conv_head"
    assert group_label(["layer4.0.conv1.weight", "layer4.1.conv1.weight"]) == "layer4"
    assert group_label(["cls_token", "patch_embed.proj.weight"]) == "cls_token, patch_embed.proj"


def test_only_the_named_tensors_change_and_keep_their_scale(model, pictures):
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    chosen = layer_groups(model)[1]
    randomise(model, chosen, RECORD, pictures, np.random.default_rng(0))
    after = model.network.state_dict()
    norms = {name.rpartition(".")[0] for name in chosen}
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    statistics = {f"{norm}.{name}" for norm in norms for name in ("running_mean", "running_var", "num_batches_tracked")}
    assert changed <= {*chosen, *statistics}
    largest = max(chosen, key=lambda name: before[name].numel())
    assert largest in changed
    assert float(after[largest].std()) == pytest.approx(float(before[largest].std()), rel=0.05)
    agreement = torch.corrcoef(torch.stack([before[largest].ravel(), after[largest].ravel()]))[0, 1]
    assert abs(float(agreement)) < 0.1
    assert not model.training


def test_a_random_copy_leaves_the_network_and_answers_differently(model, pictures):
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    copies = [random_network(model, RECORD, pictures, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert all(torch.equal(before[name], value) for name, value in model.network.state_dict().items())
    with torch.no_grad():
        images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        own, first, again, other = (network(images) for network in (model, *copies))
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, own)
    assert not torch.allclose(first, other)
    assert torch.isfinite(first).all()


def test_the_signal_of_a_random_network_does_not_vanish(model, pictures):
    network = random_network(model, RECORD, pictures, np.random.default_rng(0))
    with torch.no_grad():
        features = network.forward_features(torch.randn(4, 3, SIDE, SIDE))
    assert 1e-3 < float(features.std()) < 1e3


def cascade_of(model: BTXRDClassifier, pictures: np.ndarray, classes: np.ndarray) -> Cascade:
    options = ExplanationOptions()
    trained = picture_maps(model, RECORD, pictures, classes, options=options)
    return randomisation_cascade(model, RECORD, pictures, classes, trained, options=options, seed=4)


def test_the_cascade_ends_with_maps_unlike_the_first(mobilenet, pictures):
    classes = np.array([0, 1, 2, 0, 1, 2])
    before = {name: value.clone() for name, value in mobilenet.network.state_dict().items()}
    cascade = cascade_of(mobilenet, pictures, classes)
    assert len(cascade.stages) == len(cascade.likeness) == len(layer_groups(mobilenet))
    assert cascade.likeness.shape[1:] == (6, 3)
    assert all(torch.equal(before[name], value) for name, value in mobilenet.network.state_dict().items())
    last = cascade.likeness[-1, :, 0]
    assert np.nanmean(np.abs(last)) < 0.9


def test_one_picture_has_no_other_to_be_compared_with(mobilenet, pictures):
    cascade = cascade_of(mobilenet, pictures[:1], np.array([1]))
    assert np.isnan(cascade.unrelated).all()


def test_the_map_of_each_picture_is_of_its_own_class(mobilenet, pictures):
    mixed = picture_maps(mobilenet, RECORD, pictures, np.array([2, 0, 2, 1, 1, 0]), options=ExplanationOptions())
    for index in range(3):
        alone = picture_maps(mobilenet, RECORD, pictures, np.full(6, index), options=ExplanationOptions())
        rows = np.flatnonzero(np.array([2, 0, 2, 1, 1, 0]) == index)
        np.testing.assert_allclose(mixed.values[rows], alone.values[rows], atol=1e-5)
