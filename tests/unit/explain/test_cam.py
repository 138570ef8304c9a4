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


# Positive gradients alone: class 1 by its first channel, class 2 by none.
GRADCAM_PLUS_PLUS = np.array([[MAPS[0, 0], MAPS[0, 0], MAPS[0, 2]]], np.float32)
# The four places have features (0, 1), (2, 0), (4, 2), (1, 3), their scatter is [[8.75, 0.5], [0.5, 5]].
ANGLE = np.arctan2(2 * 0.5, 8.75 - 5) / 2
COMPONENT = np.array([[-1.75, 0.25], [2.25, -0.75]]) * np.cos(ANGLE) + np.array([[-0.5, -1.5], [0.5, 1.5]]) * np.sin(
    ANGLE
)
EIGEN = np.maximum(COMPONENT, 0) / COMPONENT.max()
EXPECTED = {
    "auto": MAPS,
    "closed_form": MAPS,
    "gradcam": MAPS,
    "hirescam": MAPS,
    "gradcam++": GRADCAM_PLUS_PLUS,
    "eigencam": np.broadcast_to(EIGEN, (1, 3, 2, 2)),
}
BY_LIBRARY = ["gradcam", "gradcam++", "hirescam", "eigencam"]


@pytest.mark.parametrize("method", EXPECTED)
def test_maps_and_logits_worked_out_by_hand(paper_model, method):
    batch = class_maps(paper_model, IMAGES, method=method)
    np.testing.assert_allclose(batch.maps.values, EXPECTED[method], atol=1e-6)
    np.testing.assert_allclose(batch.logits, LOGITS, atol=1e-6)
    np.testing.assert_allclose(batch.probabilities, np.exp(LOGITS) / np.exp(LOGITS).sum(), atol=1e-6)
    assert batch.maps.values.dtype == np.float32
    assert batch.method == ("closed_form" if method == "auto" else method)


def test_the_sign_of_a_principal_component_does_not_matter(paper_model):
    batch = class_maps(paper_model, torch.cat([IMAGES, -IMAGES]), method="eigencam")
    np.testing.assert_allclose(batch.maps.values[0], batch.maps.values[1], atol=1e-6)


def test_a_device_without_float64_is_served(paper_model, monkeypatch):
    expected = class_maps(paper_model, IMAGES).probabilities
    head = paper_model.network.forward_head

    def on_mps(features, pre_logits):
        return head(features, pre_logits).as_subclass(OnMPS)

    monkeypatch.setattr(paper_model.network, "forward_head", on_mps)
    np.testing.assert_array_equal(class_maps(paper_model, IMAGES).probabilities, expected)


def test_a_map_without_evidence_stays_zero(paper_model):
    batch = class_maps(paper_model, torch.cat([IMAGES, IMAGES, -IMAGES]))
    zero = sum(batch.maps[image, place].is_zero for image in range(3) for place in range(3))
    assert zero == 3  # class 2 twice, class 0 of the negated picture
    assert not batch.maps.values[0, 2].any()
    assert not batch.maps.values[2, 0].any()
    assert np.isfinite(batch.maps.values).all()


@pytest.mark.parametrize("method", ["closed_form", "gradcam"])
def test_only_the_classes_asked_for_in_their_order(paper_model, method):
    batch = class_maps(paper_model, IMAGES, method=method, classes=[1, 0])
    np.testing.assert_allclose(batch.maps.values, MAPS[:, [1, 0]], atol=1e-6)
    assert batch.logits.shape == (1, 3)
    assert batch.classes == (1, 0)


@pytest.mark.parametrize("classes", [[3], [-1], []])
def test_a_class_that_does_not_exist_is_refused(paper_model, classes):
    with pytest.raises(ConfigError, match="0 to 2"):
        class_maps(paper_model, IMAGES, classes=classes)


@pytest.mark.parametrize("method", ["closed_form", *BY_LIBRARY])
def test_the_network_is_left_as_it_was(paper_model, method):
    paper_model.train()
    paper_model(IMAGES).sum().backward()  # a training step under way
    before = [parameter.grad.clone() for parameter in paper_model.parameters()]
    class_maps(paper_model, IMAGES, method=method)
    assert paper_model.training
    assert paper_model.network.classifier.training
    assert all(torch.equal(p.grad, grad) for p, grad in zip(paper_model.parameters(), before, strict=True))
    assert hooks(paper_model) == 0


def hooks(model: torch.nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in model.modules())


@pytest.mark.parametrize("method", ["closed_form", *BY_LIBRARY])
@pytest.mark.parametrize("error", [RuntimeError, IndexError])  # the library's own way out would swallow the second
def test_hooks_are_released_after_an_error(method, error):
    model = BTXRDClassifier("mobilenetv2_050", 3)

    def fail(*_: object) -> None:
        raise error("no")

    model.network.conv_head.register_forward_hook(fail)
    with pytest.raises(error):
        class_maps(model, torch.zeros(1, 3, 64, 64), method=method)
    assert hooks(model) == 1  # that of this test


@pytest.mark.parametrize("method", BY_LIBRARY)
def test_the_library_serves_frozen_weights_and_callers_in_inference_mode(paper_model, method):
    paper_model.requires_grad_(False)
    with torch.inference_mode():
        batch = class_maps(paper_model, IMAGES.clone(), method=method)
    np.testing.assert_allclose(batch.maps.values, EXPECTED[method], atol=1e-6)


@pytest.mark.parametrize("method", BY_LIBRARY)
def test_a_batch_is_mapped_as_its_pictures_alone(paper_model, method):
    images = torch.cat([IMAGES, IMAGES.flip(3), IMAGES + 1])
    batch = class_maps(paper_model, images, method=method).maps.values
    alone = [class_maps(paper_model, images[i : i + 1], method=method).maps.values[0] for i in range(3)]
    np.testing.assert_allclose(batch, np.stack(alone), atol=1e-5)


def lively(backbone: str, **options: str) -> BTXRDClassifier:
    torch.manual_seed(0)
    model = BTXRDClassifier(backbone, 3, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 96, 96))
    return model.eval()


def test_double_resolution_adds_cells_between_those_of_the_network():
    model, images = lively("mobilenetv2_050", pad_type="same"), torch.randn(2, 3, 96, 96)
    native, double = (class_maps(model, images, resolution=wanted) for wanted in ("native", "double"))
    np.testing.assert_allclose(double.logits, native.logits, atol=1e-5)
    assert double.maps.values.shape == (2, 3, 6, 6)
    # Both over the same pixels: the native cell i over 15.5 + 32 i, the double one 2 i + 1 over 7.5 + 16 (2 i + 0.5).
    assert (double.maps.shift, native.maps.shift) == ((-0.5, -0.5), (0.0, 0.0))
    own = double.maps.values[..., 1::2, 1::2]
    highest = own.max(axis=(2, 3), keepdims=True)
    seen = np.divide(own, highest, out=np.zeros_like(own), where=highest > 0)  # other cells may hold the maximum
    np.testing.assert_allclose(seen, native.maps.values, atol=1e-3)


def test_double_resolution_needs_the_closed_form():
    with pytest.raises(ConfigError, match=r"mobilenetv3_small_050 are made by gradcam\. Use native"):
        class_maps(BTXRDClassifier("mobilenetv3_small_050", 3), torch.zeros(1, 3, 64, 64), resolution="double")
    with pytest.raises(ConfigError, match="made by eigencam"):
        class_maps(
            BTXRDClassifier("mobilenetv2_050", 3), torch.zeros(1, 3, 64, 64), method="eigencam", resolution="double"
        )


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
    maps = class_maps(model, images).maps.values
    assert maps.shape == (2, 2, 4, 4)
    np.testing.assert_array_equal(maps.max(axis=1), expected)  # one of two opposite classes has the evidence
    np.testing.assert_array_equal(maps.min(axis=1), 0)
