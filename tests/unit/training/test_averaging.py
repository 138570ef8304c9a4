from __future__ import annotations

import pytest
import torch

from osteolens.runtime import ensure_torchvision
from osteolens.training.averaging import weight_average


def _averaged(decay: float, values: list[float]) -> float:
    model = torch.nn.Linear(1, 1, bias=False)
    average = weight_average(model, decay)
    assert average is not None
    for value in values:
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    return float(average.module.weight.item())


def test_the_decay_rises_from_two_elevenths() -> None:
    # taken as it is (2); then 2/11 of it and 9/11 of 13; then 3/12 of that and 9/12 of 1
    assert _averaged(0.99, [2.0]) == 2
    assert _averaged(0.99, [2.0, 13.0]) == pytest.approx(11)
    assert _averaged(0.99, [2.0, 13.0, 1.0]) == pytest.approx(3.5)


def test_the_decay_ends_at_the_one_asked_for() -> None:
    # 1/8 is below 2/11 from the start
    assert _averaged(0.125, [2.0, 10.0, 1.0]) == pytest.approx(0.125 * 9 + 0.875)


def test_whole_numbers_and_switches_are_taken_as_they_are() -> None:
    model = torch.nn.Linear(1, 1)
    model.register_buffer("indices", torch.arange(169))
    model.register_buffer("switch", torch.tensor([True, False]))
    average = weight_average(model, 0.99)
    assert average is not None
    for _ in range(120):
        average.update_parameters(model)
    assert average.module.indices.tolist() == list(range(169))
    assert average.module.switch.tolist() == [True, False]
    model.indices += 1  # type: ignore[operator]
    average.update_parameters(model)
    assert average.module.indices.tolist() == list(range(1, 170))


def test_an_averaged_swin_answers_like_the_network_restored_from_its_checkpoint() -> None:
    ensure_torchvision()
    from timm.models.swin_transformer import SwinTransformer

    def network() -> torch.nn.Module:  # its table of relative positions is in no checkpoint
        return SwinTransformer(32, 4, num_classes=3, embed_dim=8, depths=(1, 1), num_heads=(1, 2), window_size=4).eval()

    torch.manual_seed(0)
    model = network()
    torch.nn.init.normal_(model.head.fc.weight)  # type: ignore[union-attr, arg-type]
    for name, parameter in model.named_parameters():
        if name.endswith("relative_position_bias_table"):
            torch.nn.init.normal_(parameter)
    average = weight_average(model, 0.99)
    assert average is not None
    for _ in range(120):
        average.update_parameters(model)
    restored = network()
    restored.load_state_dict(average.module.state_dict())
    pictures = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(average.module(pictures), restored(pictures))


def test_batch_statistics_are_averaged_and_counters_kept_whole() -> None:
    model = torch.nn.BatchNorm1d(1)
    average = weight_average(model, 0.5)
    assert average is not None
    for value in (1.0, 12.0):
        model.running_mean.fill_(value)  # type: ignore[union-attr]
        average.update_parameters(model)
    assert average.module.running_mean.item() == pytest.approx(10)  # 2/11 of 1 and 9/11 of 12
    assert average.module.num_batches_tracked.dtype == torch.int64


def test_a_decay_of_zero_is_off() -> None:
    assert weight_average(torch.nn.Linear(1, 1), 0.0) is None
