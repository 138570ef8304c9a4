from __future__ import annotations

import numpy as np
import pytest
import torch
from mps import OnMPS

from osteolens.errors import ConfigError
from osteolens.explain.cam import class_maps
from osteolens.models.classifier import BTXRDClassifier

# One picture of two channels, 2 x 2. Class 0 weighs them (1, 0), class 1 (1, -1), class 2 (-1, 0).
IMAGES = torch.tensor([[[[0.0, 2.0], [4.0, 1.0]], [[1.0, 0.0], [2.0, 3.0]]]])
MAPS = np.array([[[[0, 0.5], [1, 0.25]], [[0, 1], [1, 0]], [[0, 0], [0, 0]]]], np.float32)
LOGITS = np.array([[7 / 4, 7 / 4 - 6 / 4 + 0.5, -7 / 4]])


@pytest.mark.parametrize("method", ["auto", "closed_form", "gradcam"])
def test_maps_and_logits_worked_out_by_hand(paper_model, method):
    batch = class_maps(paper_model, IMAGES, method=method)
    np.testing.assert_allclose(batch.maps, MAPS, atol=1e-6)
    np.testing.assert_allclose(batch.logits, LOGITS, atol=1e-6)
    np.testing.assert_allclose(batch.probabilities, np.exp(LOGITS) / np.exp(LOGITS).sum(), atol=1e-6)
    assert batch.maps.dtype == np.float32
    assert batch.method == ("gradcam" if method == "gradcam" else "closed_form")


def test_a_device_without_float64_is_served(paper_model, monkeypatch):
    expected = class_maps(paper_model, IMAGES).probabilities
    head = paper_model.network.forward_head
    monkeypatch.setattr(paper_model.network, "forward_head", lambda features: head(features).as_subclass(OnMPS))
    np.testing.assert_array_equal(class_maps(paper_model, IMAGES).probabilities, expected)


def test_a_map_without_evidence_stays_zero_and_is_counted(paper_model):
    batch = class_maps(paper_model, torch.cat([IMAGES, IMAGES, -IMAGES]))
    assert batch.n_zero == 3  # class 2 twice, class 0 of the negated picture
    assert not batch.maps[0, 2].any()
    assert not batch.maps[2, 0].any()
    assert np.isfinite(batch.maps).all()


@pytest.mark.parametrize("method", ["closed_form", "gradcam"])
def test_only_the_classes_asked_for_in_their_order(paper_model, method):
    batch = class_maps(paper_model, IMAGES, method=method, classes=[1, 0])
    np.testing.assert_allclose(batch.maps, MAPS[:, [1, 0]], atol=1e-6)
    assert batch.logits.shape == (1, 3)
    assert batch.classes == (1, 0)


@pytest.mark.parametrize("classes", [[3], [-1], []])
def test_a_class_that_does_not_exist_is_refused(paper_model, classes):
    with pytest.raises(ConfigError, match="0 to 2"):
        class_maps(paper_model, IMAGES, classes=classes)


@pytest.mark.parametrize("method", ["closed_form", "gradcam"])
def test_the_network_is_left_as_it_was(paper_model, method):
    paper_model.train()
    class_maps(paper_model, IMAGES, method=method)
    assert paper_model.training
    assert paper_model.network.classifier.training
    assert all(parameter.grad is None for parameter in paper_model.parameters())
    assert not paper_model.gradcam_target_layer._forward_hooks


def test_the_library_serves_frozen_weights_and_callers_in_inference_mode(paper_model):
    paper_model.requires_grad_(False)
    with torch.inference_mode():
        batch = class_maps(paper_model, IMAGES.clone(), method="gradcam")
    np.testing.assert_allclose(batch.maps, MAPS, atol=1e-6)


def test_the_closed_form_is_refused_where_it_is_not_exact():
    model = BTXRDClassifier("mobilenetv3_small_050", 3)
    with pytest.raises(ConfigError, match=r"mobilenetv3_small_050.*gradcam"):
        class_maps(model, torch.zeros(1, 3, 32, 32), method="closed_form")


def without_mixing(backbone: str, side: int) -> BTXRDClassifier:
    """Return a transformer in which a dark patch stays a token of zeros, so that its place in the map stays 0.

    Every block hands its tokens on as they are; only in the last block of a ViT does attention pass the mean of all
    tokens on, so that the classifier hears of the patches. Class 1 weighs everything the other way round than class 0.
    """
    torch.manual_seed(0)
    model = BTXRDClassifier(backbone, 2, drop_rate=0.0, img_size=side)
    network = model.network
    with torch.no_grad():
        zero = ("bias", "pos_embed", "cls_token", "reg_token", "attn.proj.weight", "mlp.fc2.weight")
        for name, value in network.named_parameters():
            if name.endswith(zero):
                value.zero_()
        if model.family.layout == "tokens":
            attention = network.blocks[-1].attn
            attention.qkv.weight[: 2 * network.embed_dim].zero_()  # every token looks at all tokens alike
            attention.proj.weight.normal_()
        head = network.get_classifier().weight
        head[0].normal_()
        head[1] = -head[0]
    return model


@pytest.mark.parametrize(
    ("backbone", "cell"),
    [("vit_tiny_patch16_224", 16), ("vit_small_patch14_reg4_dinov2", 14), ("swin_tiny_patch4_window7_224", 32)],
)
def test_a_bright_patch_lights_its_own_cell(backbone, cell):
    model = without_mixing(backbone, 4 * cell)
    images = torch.zeros(2, 3, 4 * cell, 4 * cell)
    images[0, :, 0:cell, 2 * cell : 3 * cell] = 1  # top row, third column
    images[1, :, 3 * cell :, 0:cell] = 1  # bottom row, first column
    expected = np.zeros((2, 4, 4), np.float32)
    expected[0, 0, 2] = expected[1, 3, 0] = 1
    maps = class_maps(model, images).maps
    assert maps.shape == (2, 2, 4, 4)
    np.testing.assert_array_equal(maps.max(axis=1), expected)  # one of two opposite classes has the evidence
    np.testing.assert_array_equal(maps.min(axis=1), 0)
