from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import ConfigError, TrainingError
from osteolens.explain.picture_maps import picture_maps
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import Checkpoint, checkpoint_path, load_checkpoint
from osteolens.training import run
from osteolens.training.data import TrainingData, build_training_data
from osteolens.training.guidance import GuidedClassifier
from osteolens.training.loop import train_one_epoch

CLASS_WEIGHTS = [0.5, 1.0, 4.0]


@pytest.fixture
def config(tiny_config: Config) -> Config:
    return tiny_config.with_overrides(
        "data.image_size=64",  # maps of 2 x 2 cells
        "model.dropout=0",
        "training.split_strategy=case",
        "training.epochs=2",
        "training.guidance_weight=0.5",
        "training.guidance_warmup=0",
    )


def _parts(config: Config) -> TrainingData:
    data = load_radiographs(config.data)
    return build_training_data(data, make_split(data, "case", config), config)


def _trained(config: Config) -> Checkpoint:
    data = load_radiographs(config.data)
    run.train(config, data, make_split(data, "case", config))
    return load_checkpoint(checkpoint_path(config, "case", "last"))


def _log(config: Config) -> pd.DataFrame:
    return pd.read_csv(run.run_folder(config, "case").log).drop(columns="seconds")


def _require_same(ours: Checkpoint, theirs: Checkpoint) -> None:
    assert ours.model_state.keys() == theirs.model_state.keys()
    assert all(ours.model_state[name].equal(value) for name, value in theirs.model_state.items())


def test_whether_a_picture_is_guided_tells_nothing_of_its_class(config: Config) -> None:
    parts = _parts(config)
    guided, total = np.zeros(3), np.zeros(3)
    for epoch in range(3):
        parts.set_epoch(epoch)
        for batch in parts.loader:
            for label, region in zip(batch["label"].tolist(), batch["region"], strict=True):
                guided[label] += bool(region.any())
                total[label] += 1
    assert (guided / total).min() > 0.9  # all but lesions that are shifted out of view or too small to be seen
    few = _parts(config.with_overrides("training.annotation_share=0.1", "augmentation.zoom_in=0.5")).dataset
    assert few.regions is not None
    labels, lent = np.array(few.labels), sorted(few.regions.masks)
    assert 2 <= len(lent) <= 4  # a tenth of about thirty tumours
    assert sorted(few.lesion_boxes) == lent
    expected = len(lent) / np.count_nonzero(labels) * np.count_nonzero(labels == 0)
    assert len(few.regions.lesion_free) == pytest.approx(expected, abs=0.5)


def test_each_step_adds_the_weighted_guidance_to_the_loss_of_its_images(config: Config) -> None:
    config = config.with_overrides(
        "training.accumulation=2",
        "training.gradient_clip=0",
        "training.ema_decay=0",
        "training.freeze=1",  # pictures of a batch would meet in the statistics
    )
    parts, fabric = _parts(config), Fabric(accelerator="cpu", devices=1)
    state = run.set_up(config, parts, fabric, CLASS_WEIGHTS)
    optimizer = torch.optim.SGD(state.network.network.get_classifier().parameters(), lr=0.1)
    state.optimizer, state.scheduler = fabric.setup_optimizers(optimizer), LambdaLR(optimizer, lambda _step: 1.0)
    by_hand = copy.deepcopy(state.network).eval()
    figures = train_one_epoch(state, parts, config.training, epoch=0)
    head = by_hand.network.get_classifier()
    begun = head.weight.clone()
    descent, weights, guidance = torch.optim.SGD(head.parameters(), lr=0.1), torch.tensor(CLASS_WEIGHTS), []
    batches = list(parts.loader)
    for start in range(0, len(batches), 2):
        totals = []
        for batch in batches[start : start + 2]:
            logits, evidence = GuidedClassifier(by_hand)(batch["image"], batch["label"])
            plain = cross_entropy(logits, batch["label"], weight=weights, label_smoothing=0.1, reduction="sum")
            assert state.guidance is not None
            losses = state.guidance.losses(evidence, batch["region"])
            guidance += losses[batch["region"].bool().flatten(1).any(dim=1)].tolist()
            totals.append(plain + 0.5 * (weights[batch["label"]] * losses).sum())
        labels = torch.cat([batch["label"] for batch in batches[start : start + 2]])
        descent.zero_grad()
        (sum(totals) / weights[labels].sum()).backward()  # type: ignore[union-attr]
        descent.step()
    expected = by_hand.state_dict()
    for name, value in state.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-5, msg=name)
    assert (head.weight - begun).abs().max() > 0.01
    assert figures["train_guidance"] == pytest.approx(np.mean(guidance), rel=1e-4)


def test_before_the_weight_rises_a_network_is_trained_as_without_guidance(config: Config) -> None:
    config = config.with_overrides("training.epochs=1", "training.guidance_warmup=1")
    guided = _trained(config)
    plain = config.with_overrides("experiment=plain", "training.guidance_weight=0")
    _require_same(guided, _trained(plain))
    assert _log(config).drop(columns="train_guidance").equals(_log(plain))
    assert "train_guidance" not in _log(plain)


@pytest.mark.slow
def test_a_guided_run_that_is_broken_off_ends_as_it_would_have(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config.with_overrides("training.precision=bf16-mixed", "model.dropout=0.2")
    undisturbed = _trained(config)
    broken = config.with_overrides("experiment=broken")
    one_epoch = run.train_one_epoch

    def break_off(*arguments: Any) -> dict[str, float]:
        if arguments[-1] == 1:
            raise KeyboardInterrupt
        return one_epoch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(run, "train_one_epoch", break_off)
        with pytest.raises(KeyboardInterrupt):
            _trained(broken)
    _require_same(_trained(broken), undisturbed)
    assert _log(broken).equals(_log(config))
    with pytest.raises(TrainingError, match=r"training.guidance_weight was 0.5 and is 0.4"):
        _trained(broken.with_overrides("training.guidance_weight=0.4"))


def test_guidance_without_a_closed_form_is_refused(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"guidance_weight is above 0, but convnext_atto does not end in global"):
        _trained(config.with_overrides("model.backbone=convnext_atto"))


def _energy_ratio(config: Config) -> float:
    """Return the energy of the true class's maps in the outlines of the train part, over the share of their areas."""
    data = load_radiographs(config.data)
    rows = make_split(data, "case", config).part("train")
    predictor = TorchNetwork.from_checkpoint(checkpoint_path(config, "case", "last"), "cpu")
    masks = lesion_masks(data, rows["image_id"], predictor.record)
    paths = [data.path(rows["image_id"].iloc[row]) for row in masks]
    pictures = cached_pictures(paths, predictor.record, config.paths.cache_dir)
    classes = rows["label"].map(list(config.class_names).index).to_numpy(np.int64)[list(masks)]
    maps = picture_maps(predictor.model, predictor.record, pictures, classes, options=config.explanation)
    heats = maps.enlarged(128, 128).astype(float) + 1e-9
    outlined = np.stack([masks[row] for row in masks])
    energies = (heats * outlined).sum(axis=(1, 2)) / heats.sum(axis=(1, 2))
    return float(energies.mean() / outlined.mean())


@pytest.mark.slow
def test_guidance_draws_the_evidence_into_the_lesions(config: Config) -> None:
    config = config.with_overrides(
        "data.image_size=128", "training.epochs=6", "training.ema_decay=0.8", "training.guidance_weight=0.3"
    )
    plain = config.with_overrides("experiment=plain", "training.guidance_weight=0")
    for each in (config, plain):
        _trained(each)
    assert _energy_ratio(config) > 1.5 * _energy_ratio(plain)
    losses = _log(config)["train_guidance"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
