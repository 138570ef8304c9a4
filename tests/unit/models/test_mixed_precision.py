from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from osteolens.config import ModelOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.mixed_precision import keep_strided_depthwise_in_float32


def strided_depthwise() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(16, 16, 3, stride=2, padding=1, groups=16)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("backbone", "kept"),
    [
        ("mobilenetv2_100", 4),  # one where each of its stages 2, 3, 4 and 6 halves the map
        ("resnet18", 0),
        ("regnetx_002", 0),  # strided and in groups, but of more than one channel
    ],
)
def test_number_of_layers_kept(backbone: str, kept: int) -> None:
    with torch.device("meta"):
        network = BTXRDClassifier(backbone)
    assert keep_strided_depthwise_in_float32(network) == kept
    assert keep_strided_depthwise_in_float32(network) == 0  # a second call finds nothing left to do


def test_without_autocast_nothing_changes() -> None:
    torch.manual_seed(0)
    plain = BTXRDClassifier("mobilenetv2_050", pad_type="same").eval()
    kept = copy.deepcopy(plain)
    assert keep_strided_depthwise_in_float32(kept) == 4  # also where a layer pads by itself
    assert list(kept.state_dict()) == list(plain.state_dict())
    assert torch.equal(kept(noise(2, 3, 48, 48)), plain(noise(2, 3, 48, 48)))


def test_under_autocast_only_the_answer_is_rounded() -> None:
    exact, rounded, kept = (nn.Sequential(strided_depthwise()) for _ in range(3))
    keep_strided_depthwise_in_float32(kept)
    images = noise(4, 16, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        answer, plain = kept(images), rounded(images)
    reference = exact(images)
    assert answer.dtype == plain.dtype == torch.bfloat16
    assert torch.equal(answer, reference.bfloat16())
    assert (answer - reference).abs().mean() < (plain - reference).abs().mean()


def test_gradients_under_autocast_are_those_of_float32() -> None:
    kept, exact = nn.Sequential(strided_depthwise()), strided_depthwise()
    keep_strided_depthwise_in_float32(kept)
    images = noise(4, 16, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        kept(images).float().sum().backward()
    exact(images).sum().backward()
    assert kept[0].weight.grad is not None
    assert torch.allclose(kept[0].weight.grad, exact.weight.grad, rtol=1e-5)


def test_copies_and_averages_keep_the_layers() -> None:
    model = create_model(ModelOptions(backbone="mobilenetv2_050"), 3)
    average = AveragedModel(model)
    average.update_parameters(model)
    images = noise(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert torch.equal(average.module.eval()(images), model.eval()(images))
    assert sum(type(module).__name__.endswith("InFloat32") for module in average.modules()) == 4


def test_compiled_traced_and_exported_it_answers_the_same() -> None:
    layer = strided_depthwise()
    keep_strided_depthwise_in_float32(nn.Sequential(layer))
    images = noise(2, 16, 8, 8)
    expected = layer(images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates its own tracer
        traced = torch.jit.trace(layer, images)
    exported = torch.export.export(layer, (images,)).module()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for form in (traced, exported, compiled):
        assert torch.equal(form(images), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(compiled(images), layer(images))
