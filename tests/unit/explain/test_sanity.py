from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.random_weights import group_label, layer_groups, random_network, randomise
from osteolens.explain.sanity import LIKENESS, Cascade, forgetting, likeness, randomisation_cascade
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


def test_each_step_keeps_what_the_steps_before_it_did(mobilenet, pictures):
    trained = {name: value.clone() for name, value in mobilenet.network.named_parameters()}
    done: set[str] = set()
    before = trained
    for names, network in zip(
        layer_groups(mobilenet), forgetting(mobilenet, RECORD, pictures, seed=4, draw=0), strict=True
    ):
        now = {name: value.clone() for name, value in network.network.named_parameters()}
        assert all(torch.equal(now[name], before[name]) for name in now if name not in names)
        assert all(torch.equal(now[name], trained[name]) for name in now if name not in done | set(names))
        weights = [name for name in names if trained[name].std() > 0]
        assert weights
        assert not any(torch.equal(now[name], trained[name]) for name in weights)
        done, before = done | set(names), now
    assert done == set(trained)


def test_draws_have_weights_of_their_own(mobilenet, pictures):
    heads = [
        next(forgetting(mobilenet, RECORD, pictures, seed=seed, draw=draw)).network.classifier.weight.clone()
        for seed, draw in ((4, 0), (4, 0), (4, 1), (5, 0))
    ]
    assert [torch.equal(heads[0], head) for head in heads[1:]] == [True, False, False]


def cascade_of(
    model: BTXRDClassifier, pictures: np.ndarray, classes: np.ndarray, record: Preprocessing = RECORD, draws: int = 2
) -> Cascade:
    options = ExplanationOptions(random_draws=draws)
    trained = picture_maps(model, record, pictures, classes, options=options)
    return randomisation_cascade(model, record, pictures, classes, trained, options=options, seed=4)


def test_the_cascade_has_every_stage_and_leaves_the_network_alone(mobilenet, pictures):
    before = {name: value.clone() for name, value in mobilenet.network.state_dict().items()}
    cascade = cascade_of(mobilenet, pictures, np.array([0, 1, 2, 0, 1, 2]))
    assert cascade.stages == tuple(group_label(names) for names in layer_groups(mobilenet))
    assert cascade.likeness.shape == (2, len(cascade.stages), 6, 3)
    assert all(torch.equal(before[name], value) for name, value in mobilenet.network.state_dict().items())


PAPER_RECORD = Preprocessing(size=SIDE, channels=1, mean=(0.0,), std=(1.0,))


class Mirrored(nn.Module):
    """Two features: the picture and its mirror image, at 4 x 4 places; a weight that changes neither."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.arange(5.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        cells = nn.functional.avg_pool2d(images, SIDE // 4)
        return torch.cat([cells, cells.flip(3)], dim=1)


@pytest.fixture
def mirrored(paper_model, monkeypatch) -> BTXRDClassifier:
    """A network of two stages: the head decides which of the two features a map shows, the other stage nothing."""
    paper_model.network.evidence = Mirrored()
    stages = {"stem": "^evidence", "blocks": "^classifier"}
    monkeypatch.setattr(paper_model.network, "group_matcher", lambda coarse: stages)  # noqa: ARG005
    return paper_model.eval()


def test_maps_of_a_random_head_are_those_of_its_weights(mirrored, pictures):
    """Worked out from the drawn weights; the second stage brings nothing back, since the head stays random."""
    cascade = cascade_of(mirrored, pictures, np.zeros(6, int), PAPER_RECORD, draws=3)
    assert cascade.stages == ("classifier", "evidence")
    cells = pictures.reshape(6, 4, SIDE // 4, 4, SIDE // 4).mean(axis=(2, 4)) / 255
    for draw in range(3):
        head = next(forgetting(mirrored, PAPER_RECORD, pictures, seed=4, draw=draw)).network.classifier
        own, mirror = head.weight[0].tolist()
        evidence = np.maximum(own * cells + mirror * cells[:, :, ::-1], 0)
        expected = [
            spearmanr(a.ravel(), b.ravel()).statistic if b.any() else np.nan
            for a, b in zip(cells, evidence, strict=True)
        ]
        np.testing.assert_allclose(cascade.likeness[draw, :, :, 0], [expected, expected], atol=1e-6)
    assert np.nanmin(cascade.likeness) < 0.9


def test_maps_that_do_not_depend_on_the_weights_stay_alike(mirrored, pictures):
    """Weights that are all 1 have no spread to draw from: the method shows the picture whatever was learnt."""
    nn.init.ones_(mirrored.network.classifier.weight)
    cascade = cascade_of(mirrored, pictures, np.zeros(6, int), PAPER_RECORD)
    np.testing.assert_allclose(cascade.likeness, 1, atol=1e-6)
    assert (cascade.unrelated[:, 0] < 0.9).all()


def test_the_reference_is_the_mean_over_the_other_pictures_of_the_class(mirrored, pictures):
    mirrored.network.classifier.weight.data = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    cascade = cascade_of(mirrored, pictures[:5], np.array([0, 1, 0, 0, 2]), PAPER_RECORD)
    cells = pictures[[0, 2, 3]].reshape(3, 4, SIDE // 4, 4, SIDE // 4).mean(axis=(2, 4)).reshape(3, -1)
    pairs = spearmanr(cells, axis=1).statistic
    expected = (pairs.sum(axis=1) - 1) / 2  # without itself
    np.testing.assert_allclose(cascade.unrelated[[0, 2, 3], 0], expected, atol=1e-6)
    assert np.isnan(cascade.unrelated[[1, 4]]).all()


def test_one_picture_has_no_other_to_be_compared_with(mobilenet, pictures):
    cascade = cascade_of(mobilenet, pictures[:1], np.array([1]))
    assert np.isnan(cascade.unrelated).all()


def test_the_map_of_each_picture_is_of_its_own_class(mobilenet, pictures):
    mixed = picture_maps(mobilenet, RECORD, pictures, np.array([2, 0, 2, 1, 1, 0]), options=ExplanationOptions())
    for index in range(3):
        alone = picture_maps(mobilenet, RECORD, pictures, np.full(6, index), options=ExplanationOptions())
        rows = np.flatnonzero(np.array([2, 0, 2, 1, 1, 0]) == index)
        np.testing.assert_allclose(mixed.values[rows], alone.values[rows], atol=1e-5)
