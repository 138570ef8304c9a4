from __future__ import annotations

import pytest
import torch

from osteolens.config import ModelOptions, TrainingOptions
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.training.optim import create_optimizer, create_scheduler, warmup_cosine


@pytest.fixture(scope="module")
def model() -> BTXRDClassifier:
    return create_model(ModelOptions(backbone="mobilenetv2_050"), 3)


def _rates(options: TrainingOptions, steps_per_epoch: int) -> list[float]:
    optimizer = torch.optim.AdamW(torch.nn.Linear(4, 3).parameters(), lr=options.learning_rate)
    scheduler = create_scheduler(optimizer, options, steps_per_epoch)
    rates = []
    for _ in range(options.epochs * steps_per_epoch):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def _groups(model: BTXRDClassifier, optimizer: torch.optim.Optimizer) -> dict[str, tuple[float, float]]:
    """Return rate and decay of every parameter by its name in the network."""
    names = {id(parameter): name for name, parameter in model.network.named_parameters()}
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert set(found) == set(names.values())
    return found


def test_warmup_is_a_line_and_the_rest_half_a_cosine() -> None:
    # 4 warm-up steps, then 4 steps down: cos(0), cos(45), cos(90), cos(135) degrees
    found = [warmup_cosine(step, 4, 8) for step in range(8)]
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_cosine_ends_near_zero_and_peaks_at_the_rate() -> None:
    rates = _rates(TrainingOptions(epochs=10, learning_rate=1e-3, warmup_epochs=2), steps_per_epoch=10)
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == 20
    assert rates[-1] < 1e-6


def test_the_warmup_takes_half_of_a_short_run() -> None:
    rates = _rates(TrainingOptions(epochs=2, learning_rate=1e-3, warmup_epochs=3), steps_per_epoch=10)
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == 10
    assert rates[-1] < 5e-5


def test_one_cycle_rises_for_a_quarter() -> None:
    rates = _rates(TrainingOptions(epochs=4, learning_rate=1e-2, scheduler="onecycle"), steps_per_epoch=25)
    assert max(rates) == pytest.approx(1e-2, rel=1e-3)
    assert rates.index(max(rates)) == pytest.approx(25, abs=1)
    assert rates[0] == pytest.approx(1e-2 / 25)
    assert rates[-1] < 1e-4


def test_only_matrices_are_decayed(model: BTXRDClassifier) -> None:
    optimizer = create_optimizer(model, TrainingOptions(weight_decay=0.05))
    assert len(optimizer.param_groups) == 2
    groups = _groups(model, optimizer)
    assert groups["conv_stem.weight"] == groups["classifier.weight"] == (3e-4, 0.05)
    assert groups["bn1.weight"] == groups["bn1.bias"] == groups["classifier.bias"] == (3e-4, 0)


def test_what_a_network_exempts_is_not_decayed() -> None:
    vit = create_model(ModelOptions(backbone="vit_tiny_patch16_224"), 3)
    groups = _groups(vit, create_optimizer(vit, TrainingOptions(weight_decay=0.05)))
    assert groups["pos_embed"] == groups["cls_token"] == (3e-4, 0)
    assert groups["blocks.0.attn.qkv.weight"] == (3e-4, 0.05)


def test_the_classifier_has_a_rate_of_its_own(model: BTXRDClassifier) -> None:
    options = TrainingOptions(learning_rate=1e-3, head_learning_rate=1e-2, weight_decay=0.05)
    groups = _groups(model, create_optimizer(model, options))
    assert groups["classifier.weight"] == (1e-2, 0.05)
    assert groups["classifier.bias"] == (1e-2, 0)
    assert {rate for name, (rate, _) in groups.items() if not name.startswith("classifier")} == {1e-3}


def test_layer_decay_by_hand_and_as_in_timm(model: BTXRDClassifier) -> None:
    from timm.optim import param_groups_layer_decay  # after the guard of runtime.ensure_torchvision

    options = TrainingOptions(learning_rate=1.0, layer_decay=0.5, weight_decay=0.05)
    groups = _groups(model, create_optimizer(model, options))
    # stem 0, seventeen blocks 1 to 17 (conv_head and bn2 belong to the last), classifier 18
    assert groups["classifier.weight"][0] == 1
    assert groups["conv_head.weight"][0] == groups["blocks.6.0.conv_pw.weight"][0] == 0.5
    assert groups["blocks.5.2.conv_pw.weight"][0] == 0.25
    assert groups["conv_stem.weight"][0] == 0.5**18
    names = {id(parameter): name for name, parameter in model.network.named_parameters()}
    for group in param_groups_layer_decay(model.network, weight_decay=0.05, layer_decay=0.5):
        for parameter in group["params"]:
            assert groups[names[id(parameter)]] == (group["lr_scale"], group["weight_decay"])


@pytest.mark.parametrize("scheduler", ["cosine", "onecycle"])
def test_the_schedule_keeps_the_ratio_of_the_rates(model: BTXRDClassifier, scheduler: str) -> None:
    options = TrainingOptions(epochs=2, learning_rate=1e-3, head_learning_rate=5e-3, warmup_epochs=1).model_copy(
        update={"scheduler": scheduler}
    )
    optimizer = create_optimizer(model, options)
    schedule = create_scheduler(optimizer, options, steps_per_epoch=4)
    highest = 0.0
    for _ in range(8):
        rates = set(schedule.get_last_lr())
        assert max(rates) == pytest.approx(5 * min(rates))
        highest = max(highest, *rates)
        optimizer.step()
        schedule.step()
    assert highest == pytest.approx(5e-3, rel=0.05)  # the peak of one cycle lies between two steps
