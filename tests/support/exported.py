"""A checkpoint whose answers differ from picture to picture, and the run it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from limbs import limb

from osteolens.config import ExplanationOptions, load_config
from osteolens.data.preprocessing import resize
from osteolens.domain import BTXRD_CLASSES
from osteolens.evaluation.decisions import decisions
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.inference.network import Network
from osteolens.inference.novelty import NoveltyModel
from osteolens.models.checkpoint import Checkpoint, load_checkpoint, network_sha256, save_checkpoint
from osteolens.models.factory import create_model
from osteolens.models.forward import network_outputs
from osteolens.storage import RunFolder, write_json

SIDE = 32


def lively_checkpoint(path: Path, *overrides: str, seed: int = 0) -> Path:
    """Write a checkpoint of random weights, its batch statistics fitted to noise and its last layer enlarged.

    Its novelty is fitted on limbs.
    """
    network = ["model.backbone=mobilenetv2_050", f"data.image_size={SIDE}", "data.resize=letterbox"]
    config = load_config(None, ["experiment=tiny", "inference.batch_size=4", *network, *overrides])
    torch.manual_seed(seed)
    model = create_model(config.model, 3)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(8, 3, SIDE, SIDE))
        model.network.get_classifier().weight.normal_(std=0.1)
    record = config.preprocessing()

    def limb_inputs(first: int) -> np.ndarray:
        shapes = [(140 + 10 * (seed % 7), 120 + 5 * (seed % 9)) for seed in range(first, first + 40)]
        return np.stack([resize(limb(*shape, seed=first + place), record) for place, shape in enumerate(shapes)])

    features = [network_outputs(model, limb_inputs(first), record).features for first in (100, 200)]
    novelty = {name: torch.from_numpy(values) for name, values in NoveltyModel.fit(*features).to_arrays().items()}
    others = {"class_weights": [1.0] * 3, "provenance": {"device": "cpu"}, "novelty": novelty}
    return save_checkpoint(path, Checkpoint.of(config, model.state_dict(), epoch=1, metrics={}, **others))


def run_of(checkpoint: Path, root: Path, seed: int = 1) -> RunFolder:
    """Write predictions and decisions of a run whose answers bear the identity of the checkpoint's network."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 40)
    logits = generator.normal(size=(120, 3)) + 1.5 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = PredictionsTable.from_arrays(
        BTXRD_CLASSES,
        image_ids=[f"IMG{number:03}.jpeg" for number in range(120)],
        labels=np.array(BTXRD_CLASSES)[labels],
        probabilities=probabilities,
        split=np.where(np.arange(120) % 2 == 0, "val", "test"),
        checkpoint_sha256=network_sha256(load_checkpoint(checkpoint)),
    )
    run = RunFolder(root)
    table.write(run.predictions)
    validation, test = table.part("val"), table.part("test")
    identity = {"predictions_sha256": predictions_sha256(test), "validation_sha256": predictions_sha256(validation)}
    write_json(run.evaluation / "decisions.json", identity | decisions(validation, test, Resampling(resamples=20)))
    return run


def all_maps(network: Network, shown: np.ndarray) -> np.ndarray:
    """Return the maps of all classes, [N, K, h, w]."""
    classes = np.tile(np.arange(len(network.class_names)), (len(shown), 1))
    return network.maps(shown, classes, ExplanationOptions()).values


def pictures(number: int = 5, seed: int = 2) -> np.ndarray:
    """Return blotches, uint8 [N, SIDE, SIDE]."""
    coarse = np.random.default_rng(seed).integers(0, 256, (number, SIDE // 8, SIDE // 8), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)
