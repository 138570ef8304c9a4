from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.domain import Preprocessing
from osteolens.errors import TrainingError
from osteolens.training.data import LabelledPictures, TrainingData, build_training_data
from osteolens.training.loop import train_one_epoch, validate
from osteolens.training.run import set_up
from osteolens.training.state import TrainingState

CLASS_WEIGHTS = [0.5, 1.0, 4.0]
BATCH = 12


@pytest.fixture
def config(tiny_config: Config) -> Config:
    return tiny_config.with_overrides(
        "model.backbone=convnext_atto",  # no batch statistics: the pictures of a batch do not meet
        "model.dropout=0",
        f"training.batch_size={BATCH}",
        "training.accumulation=2",
        "training.gradient_clip=0",
        "training.ema_decay=0",
    )


@pytest.fixture
def parts(config: Config) -> TrainingData:
    data = load_radiographs(config.data)
    return build_training_data(data, make_split(data, "case", config), config)


def _plain_state(config: Config, parts: TrainingData, rate: float) -> TrainingState:
    """Return a state whose steps are plain gradient descent."""
    fabric = Fabric(accelerator="cpu", devices=1)
    state = set_up(config, parts, fabric, CLASS_WEIGHTS)
    optimizer = torch.optim.SGD(state.network.parameters(), lr=rate)
    state.optimizer, state.scheduler = fabric.setup_optimizers(optimizer), LambdaLR(optimizer, lambda _step: 1.0)
    return state


def test_each_step_takes_the_weighted_mean_over_the_images_of_its_batches(config: Config, parts: TrainingData) -> None:
    assert len(parts.loader) == 3, "the last step of the epoch is to have one batch of two"
    state = _plain_state(config, parts, rate=0.1)
    by_hand = copy.deepcopy(state.network).train()
    train_one_epoch(state, parts, config.training, epoch=0)
    descent = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    batches = list(parts.loader)
    for group in (batches[:2], batches[2:]):
        images, labels = (torch.cat([batch[name] for batch in group]) for name in ("image", "label"))
        descent.zero_grad()
        weights = torch.tensor(CLASS_WEIGHTS)
        cross_entropy(by_hand(images), labels, weight=weights, label_smoothing=0.1).backward()
        descent.step()
    expected = by_hand.state_dict()
    for name, value in state.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    ("precision", "remedy"),
    [
        ("32-true", r"Lower training.learning_rate, or look"),
        ("bf16-mixed", r"Lower training.learning_rate, set training.precision=32-true, or look"),
    ],
)
def test_a_loss_that_is_not_finite_tells_the_remedy_and_the_images(
    config: Config, parts: TrainingData, precision: str, remedy: str
) -> None:
    state = _plain_state(config, parts, rate=0.1)
    next(state.network.parameters()).data.fill_(torch.nan)
    options = config.training.model_copy(update={"precision": precision})
    sentence = rf"^the loss became nan\. {remedy} at the images of the batch: (IMG\d{{6}}\.jpe?g(, )?){{{BATCH}}}\.$"
    with pytest.raises(TrainingError, match=sentence):
        train_one_epoch(state, parts, options, epoch=0)


def test_a_gradient_that_is_not_finite_is_told(config: Config, parts: TrainingData) -> None:
    state = _plain_state(config, parts, rate=0.1)
    options = config.training.model_copy(update={"gradient_clip": 1.0})
    next(state.network.parameters()).register_hook(lambda gradient: torch.full_like(gradient, torch.inf))
    with pytest.raises(
        TrainingError, match=r"a gradient is no longer finite in epoch 1\. Lower training.learning_rate"
    ):
        train_one_epoch(state, parts, options, epoch=0)


def test_a_network_that_the_last_step_broke_is_told(config: Config, parts: TrainingData) -> None:
    state = _plain_state(config, parts, rate=1e30)
    options = config.training.model_copy(update={"accumulation": 3})  # the one step of the epoch
    with pytest.raises(TrainingError, match=r"no longer finite after epoch 1. Lower training.learning_rate"):
        train_one_epoch(state, parts, options, epoch=0)


def test_answers_that_are_not_finite_are_no_validation() -> None:
    pictures = np.stack([np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)])
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 3))
    network[1].weight.data.fill_(torch.inf)
    part = LabelledPictures(pictures, np.array([0, 1]))
    with pytest.raises(TrainingError, match=r"answers to 2 of 2 validation images are no longer finite"):
        validate(network, part, Preprocessing(size=16), batch_size=2, flip_averaging=False)
