from __future__ import annotations

import math

import pytest
import torch

from osteolens.config import ModelOptions, TrainingOptions
from osteolens.errors import ConfigError
from osteolens.models.factory import create_model
from osteolens.training.guidance import Guidance, GuidedClassifier, cell_shares, create_guidance, energy_losses

ON = TrainingOptions(guidance_weight=0.3)


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_loss_of_a_small_map_by_hand() -> None:
    evidence = torch.tensor([[[0.9, 1.9], [-3.0, 0.4]]])  # with the floor of 0.1: 1, 2, 0.1 and 0.5
    inside = torch.tensor([[[3.0, 0.0], [1.0, 0.0]]])
    everywhere = torch.tensor([[4.0, 4.0], [4.0, 4.0]])
    # (1 * 3 + 0.1 * 1) / (4 * (1 + 2 + 0.1 + 0.5)) = 3.1 / 14.4
    assert energy_losses(evidence, inside, everywhere).item() == pytest.approx(-math.log(3.1 / 14.4), rel=1e-6)


def test_a_map_without_evidence_has_the_energy_of_chance_and_an_empty_region_costs_nothing() -> None:
    evidence = -torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0)) - 1
    evidence.requires_grad_()
    inside = torch.zeros(2, 3, 3)
    inside[0, 1, 2] = 1.8
    losses = energy_losses(evidence, inside, torch.full((3, 3), 2.0))
    assert losses.tolist() == pytest.approx([-math.log(1.8 / 18), 0.0], rel=1e-6)
    losses.sum().backward()
    assert evidence.grad is not None
    assert not evidence.grad.any()


def test_cells_that_divide_the_input_are_enlarged_as_torch_does() -> None:
    cells = torch.eye(5)[:, None]
    expected = torch.nn.functional.interpolate(cells, size=40, mode="linear", align_corners=False)[:, 0]
    torch.testing.assert_close(cell_shares(40, 5), expected, rtol=0, atol=1e-6)


def test_the_energy_is_that_of_the_enlarged_map() -> None:
    down, right = cell_shares(32, 4), cell_shares(48, 6)
    evidence = _random(2, 4, 6)
    regions = (_random(2, 32, 48, seed=1) > 1).to(torch.uint8)
    heat = torch.nn.functional.interpolate(
        evidence.relu()[:, None] + 0.1, size=(32, 48), mode="bilinear", align_corners=False
    )[:, 0]
    expected = -((heat * regions).sum((1, 2)) / heat.sum((1, 2))).log()
    torch.testing.assert_close(Guidance(down, right, ON).losses(evidence, regions), expected, rtol=1e-5, atol=1e-5)


def test_cells_divide_the_input_evenly() -> None:
    # three cells over 96 pixels: their centres lie between pixels 15 and 16, 47 and 48, 79 and 80
    model = create_model(ModelOptions(backbone="mobilenetv2_050"), 3).train()
    state = torch.get_rng_state()
    guidance = create_guidance(model, ON, 96)
    assert guidance is not None
    for shares in (guidance.down, guidance.right):
        assert shares.shape == (3, 96)
        torch.testing.assert_close(shares[:, 15:80:32] + shares[:, 16:81:32], torch.eye(3) * 2, rtol=0, atol=0.04)
        torch.testing.assert_close(shares[:, 31] + shares[:, 32], torch.tensor([1.0, 1.0, 0.0]))
        torch.testing.assert_close(shares[:, 95], torch.tensor([0.0, 0.0, 1.0]))
    assert model.training
    assert state.equal(torch.get_rng_state())


def test_the_evidence_is_the_part_of_the_logit_that_each_cell_gives() -> None:
    model = create_model(ModelOptions(backbone="resnet10t", dropout=0.0), 3).eval()
    images, labels = _random(4, 3, 64, 64), torch.tensor([2, 0, 1, 2])
    logits, evidence = GuidedClassifier(model)(images, labels)
    torch.testing.assert_close(logits, model(images), rtol=0, atol=0)
    bias = model.network.get_classifier().bias
    of_the_class = logits[torch.arange(4), labels] - bias[labels]
    torch.testing.assert_close(evidence.mean(dim=(1, 2)), of_the_class, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_step_of_the_classifier_down_the_loss_raises_the_energy(bf16: bool) -> None:
    torch.manual_seed(0)
    model = create_model(ModelOptions(backbone="mobilenetv2_050", dropout=0.0), 3).train()
    guidance = create_guidance(model, ON, 64)
    assert guidance is not None
    guided, images, labels = GuidedClassifier(model), _random(4, 3, 64, 64), torch.tensor([0, 1, 2, 2])
    regions = torch.zeros(4, 64, 64, dtype=torch.uint8)
    regions[:, :20, :20] = 1

    def loss() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            _, evidence = guided(images, labels)
        assert evidence.dtype == torch.float32
        return guidance.losses(evidence, regions).mean()

    descent = torch.optim.SGD(model.network.get_classifier().parameters(), lr=0.01)
    before = loss()
    before.backward()
    descent.step()
    assert loss() < before - 0.01


def test_random_regions_ask_for_nothing_of_an_even_map_and_for_evenness_of_another() -> None:
    everywhere = torch.ones(4, 4)
    places = torch.eye(16).reshape(16, 4, 4)  # every place as often

    def mean_loss(evidence: torch.Tensor) -> torch.Tensor:
        return energy_losses(evidence.expand(16, 4, 4), places, everywhere)

    even = torch.full((4, 4), 2.0, requires_grad=True)
    losses = mean_loss(even)
    torch.testing.assert_close(losses, torch.full((16,), math.log(16.0)))
    losses.mean().backward()
    assert even.grad is not None
    assert even.grad.abs().max() < 1e-7
    single = energy_losses(even[None], places[:1], everywhere)
    assert torch.autograd.grad(single.sum(), even)[0].abs().max() > 0.1
    assert mean_loss(2 + _random(4, 4)).mean() > math.log(16.0) + 0.01


def test_regions_that_overlap_draw_a_little_towards_where_they_do() -> None:
    # a row of three places and two regions of two, as often: the middle lies in both. An even map loses log 1.5 in
    # either, one in the middle alone nearly nothing: the floor of 0.1 elsewhere.
    everywhere, regions = torch.ones(1, 3), torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 1.0, 1.0]]])

    def mean_loss(*evidence: float) -> float:
        return energy_losses(torch.tensor([[evidence]] * 2).reshape(2, 1, 3), regions, everywhere).mean().item()

    assert mean_loss(2.0, 2.0, 2.0) == pytest.approx(math.log(1.5), rel=1e-6)
    assert mean_loss(-1.0, 40.0, -1.0) == pytest.approx(math.log(40.3 / 40.2), rel=1e-3)


def test_the_weight_rises_over_the_warm_up() -> None:
    def weights(warmup: float) -> list[float]:
        options = TrainingOptions(guidance_weight=0.4, guidance_warmup=warmup)
        guidance = Guidance(torch.ones(1, 1), torch.ones(1, 1), options)
        return [guidance.weight(epoch) for epoch in range(4)]

    assert weights(2) == pytest.approx([0, 0.2, 0.4, 0.4])
    assert weights(0) == pytest.approx([0.4] * 4)


def test_networks_without_a_closed_form_are_refused() -> None:
    model = create_model(ModelOptions(backbone="convnext_atto"), 3)
    with pytest.raises(ConfigError, match=r"convnext_atto does not end in global .* or set training.guidance_weight=0"):
        create_guidance(model, ON, 64)
    assert create_guidance(model, TrainingOptions(), 64) is None
