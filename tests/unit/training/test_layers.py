from __future__ import annotations

import pytest
import torch

from osteolens.config import ModelOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.families import FAMILIES, Family
from osteolens.training.layers import classifier_names, freeze, layer_numbers, train_mode


@pytest.fixture
def model() -> BTXRDClassifier:
    return create_model(ModelOptions(backbone="resnet18"), 3)


def _frozen(model: BTXRDClassifier) -> set[str]:
    """Return the top-level parts, or blocks within them, that are wholly frozen."""
    by_part: dict[str, set[bool]] = {}
    for name, parameter in model.network.named_parameters():
        part = ".".join(name.split(".")[:2]) if name.startswith("layer") else name.partition(".")[0]
        by_part.setdefault(part, set()).add(parameter.requires_grad)
    assert all(len(sides) == 1 for sides in by_part.values())
    return {part for part, sides in by_part.items() if sides == {False}}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_every_family_has_layers_in_order(family: Family) -> None:
    with torch.device("meta"):
        model = BTXRDClassifier(family.example)
    numbers, head = layer_numbers(model), classifier_names(model)
    assert set(numbers) == {name for name, _ in model.network.named_parameters()}
    assert sorted(set(numbers.values())) == list(range(max(numbers.values()) + 1))
    assert max(numbers.values()) >= 9
    first = next(iter(model.network.named_parameters()))[0]
    assert numbers[first] == 0
    assert len(head) == 2
    assert {numbers[name] for name in head} == {max(numbers.values())}


def test_layers_of_a_resnet_are_its_stem_its_blocks_and_the_classifier(model: BTXRDClassifier) -> None:
    numbers = layer_numbers(model)
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert numbers["conv1.weight"] == numbers["bn1.bias"] == 0
    assert [numbers[f"{block}.conv1.weight"] for block in blocks] == list(range(1, 9))
    assert numbers["fc.weight"] == 9


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, set()),
        (0.02, {"conv1", "bn1"}),  # a fifth of a layer
        (0.34, {"conv1", "bn1", "layer1.0", "layer1.1"}),  # 3 of stem + 8 blocks
        (1, {"conv1", "bn1", *(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1))}),
    ],
)
def test_a_share_of_the_layers_is_frozen(model: BTXRDClassifier, share: float, expected: set[str]) -> None:
    assert freeze(model, share) == bool(expected)
    assert _frozen(model) == expected
    assert not freeze(model, share), "nothing changes the second time"
    assert freeze(model, 0) == bool(expected)
    assert not _frozen(model)


def test_frozen_layers_keep_weights_and_batch_statistics_in_a_step(model: BTXRDClassifier) -> None:
    freeze(model, 0.34)
    train_mode(model)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    moved = {name for name, value in model.network.state_dict().items() if not value.equal(before[name])}
    trained = {name for name in before if not name.startswith(("conv1", "bn1", "layer1"))}
    assert moved <= trained
    assert {"fc.weight", "layer2.0.bn2.weight", "layer4.1.bn2.bias"} <= moved
    assert {name for name in trained if "running" in name} <= moved
