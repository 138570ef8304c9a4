from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import make_split
from osteolens.domain import Column
from osteolens.experiments.novelty import store_novelty
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from osteolens.models.factory import create_model
from osteolens.models.forward import network_outputs


@pytest.fixture
def data(tiny_config: Config) -> RadiographSet:
    return load_radiographs(tiny_config.data)


@pytest.fixture
def manifest(tiny_config: Config, data: RadiographSet) -> Manifest:
    """Of the 60 pictures 30 are trained on and 20 choose."""
    made = make_split(data, "case", tiny_config).frame.copy()
    made[Column.SPLIT] = ["train"] * 30 + ["val"] * 20 + ["test"] * (len(made) - 50)
    return Manifest(made)


@pytest.fixture
def checkpoint(tiny_config: Config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = create_model(tiny_config.model, 3, image_size=32).state_dict()
    made = Checkpoint.of(tiny_config, state, epoch=1, metrics={}, class_weights=[1.0] * 3, provenance={})
    return save_checkpoint(tmp_path / "net.pt", made)


def test_a_checkpoint_tells_novel_pictures_after_training(
    checkpoint: Path, tiny_config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    before = load_checkpoint(checkpoint)
    assert TorchNetwork.from_checkpoint(checkpoint, "cpu").judge(np.ones((1, 32, 32), np.uint8)).novelty is None
    store_novelty(checkpoint, tiny_config, data, manifest)
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    paths = [data.path(name) for name in manifest.part("val")[Column.IMAGE_ID]]
    told = network.judge(cached_pictures(paths, network.record, tiny_config.paths.cache_dir)).novelty
    assert told is not None
    assert sum(answer.is_novel for answer in told) == 0  # of 20 pictures the 20th is the limit: ceil(21 * 0.95)
    assert max(answer.score for answer in told) == pytest.approx(told[0].threshold, rel=1e-5)
    after = load_checkpoint(checkpoint)
    assert all(torch.equal(after.model_state[name], value) for name, value in before.model_state.items())


def test_what_is_stored_is_left_as_it_is(
    checkpoint: Path, tiny_config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    store_novelty(checkpoint, tiny_config, data, manifest)
    content = checkpoint.read_bytes()
    store_novelty(checkpoint, tiny_config, data, manifest)
    assert checkpoint.read_bytes() == content


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["train"] * 30 + ["val"] * 30, "no part to choose on"),
        (["train"] * 40 + ["val"] * 10 + ["test"] * 10, "10 held-out pictures are too few"),
    ],
)
def test_where_nothing_can_be_chosen_the_log_says_so(
    checkpoint: Path,
    tiny_config: Config,
    data: RadiographSet,
    manifest: Manifest,
    *,
    caplog: pytest.LogCaptureFixture,
    parts: list[str],
    said: str,
) -> None:
    content = checkpoint.read_bytes()
    with caplog.at_level(logging.INFO, "osteolens"):
        store_novelty(checkpoint, tiny_config, data, Manifest(manifest.frame.assign(**{Column.SPLIT: parts})))
    assert said in caplog.text
    assert checkpoint.read_bytes() == content


def test_a_checkpoint_of_an_earlier_version_still_loads(checkpoint: Path) -> None:
    values = torch.load(checkpoint, weights_only=True)
    del values["novelty"], values["decisions"]
    torch.save(values, checkpoint)
    assert load_checkpoint(checkpoint).novelty == {}
    assert TorchNetwork.from_checkpoint(checkpoint, "cpu").novelty_model is None


def test_probabilities_with_features_are_those_without(
    checkpoint: Path, tiny_config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    for flip in (False, True):
        network = dataclasses.replace(TorchNetwork.from_checkpoint(checkpoint, "cpu"), flip_averaging=flip)
        paths = [data.path(name) for name in manifest.part("test")[Column.IMAGE_ID]]
        pictures = cached_pictures(paths, network.record, tiny_config.paths.cache_dir)
        outputs = network_outputs(network.model, pictures, network.record, flip_averaging=flip)
        np.testing.assert_allclose(outputs.probabilities, network.probabilities(pictures), atol=1e-6)
        layer = network.model.network.get_classifier()
        logits = layer(torch.from_numpy(outputs.features)).detach().softmax(dim=1).numpy()
        if not flip:
            np.testing.assert_allclose(logits, outputs.probabilities, atol=1e-5)
