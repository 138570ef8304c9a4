from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from osteolens.config import load_config
from osteolens.data.corruptions import CORRUPTIONS
from osteolens.data.preprocessing import read_input
from osteolens.domain import Preprocessing
from osteolens.inference.corrupted import corrupted_inputs, corrupted_probabilities
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.factory import create_model


@pytest.fixture(scope="module")
def network() -> TorchNetwork:
    """Untrained; answers differ by picture all the same. It takes two pictures at a time."""
    options = ["model.backbone=mobilenetv2_050", "data.image_size=32", "inference.batch_size=2"]
    config = load_config(None, options)
    torch.manual_seed(3)
    model = create_model(config.model, 3).eval()
    return TorchNetwork(model, config.preprocessing(), config.class_names, config, "0" * 64, flip_averaging=True)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Five pictures of five sizes."""
    generator = np.random.default_rng(2)
    made = [tmp_path / f"{index}.png" for index in range(5)]
    for index, path in enumerate(made):
        coarse = generator.integers(0, 256, (6, 5), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (40 + 10 * index, 70), interpolation=cv2.INTER_CUBIC))
    return made


def test_the_answers_are_those_for_files_that_are_so(network: TorchNetwork, paths: list[Path], tmp_path: Path) -> None:
    inverted = [tmp_path / f"inverted_{path.name}" for path in paths]
    for path, other in zip(paths, inverted, strict=True):
        cv2.imwrite(str(other), 255 - cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    answers = corrupted_probabilities(network, paths, [path.name for path in paths], "inversion", seed=1)
    expected = network.probabilities(np.stack([read_input(path, network.record) for path in inverted]))
    assert list(answers) == [1.0]
    np.testing.assert_allclose(answers[1.0], expected, atol=1e-6)
    clean = network.probabilities(np.stack([read_input(path, network.record) for path in paths]))
    assert np.abs(answers[1.0] - clean).max() > 1e-3


def test_neither_order_nor_batches_change_an_answer(network: TorchNetwork, paths: list[Path]) -> None:
    ids = [path.name for path in paths]
    answers = corrupted_probabilities(network, paths, ids, "noise", seed=1)
    turned = corrupted_probabilities(network, paths[::-1], ids[::-1], "noise", seed=1)
    assert tuple(answers) == CORRUPTIONS["noise"].strengths
    for strength, values in answers.items():
        np.testing.assert_allclose(values, turned[strength][::-1], atol=1e-6)
        np.testing.assert_allclose(values.sum(axis=1), 1)


def test_noise_is_drawn_by_seed_and_image_and_scaled_by_strength(paths: list[Path]) -> None:
    record = Preprocessing(32)
    flat = paths[0].with_name("flat.png")
    cv2.imwrite(str(flat), np.full((32, 32), 128, np.uint8))

    def noise(image_id: str, seed: int) -> np.ndarray:
        return corrupted_inputs(flat, image_id, name="noise", record=record, seed=seed).astype(float) - 128

    first = noise("a", 1)
    assert first.shape == (4, 32, 32)
    assert (first == noise("a", 1)).all()
    assert np.abs(first[2] - 2 * first[1]).max() <= 1.5  # 0.1 and 0.05, rounded
    for other in (noise("b", 1), noise("a", 2)):
        assert abs(np.corrcoef(first[1].ravel(), other[1].ravel())[0, 1]) < 0.15


def test_a_picture_is_spoiled_before_it_is_prepared(paths: list[Path]) -> None:
    """The bars that letterboxing adds stay black, as they would around a file that is so."""
    record = Preprocessing(32)
    narrow = paths[0]  # 70 x 40
    inverted = corrupted_inputs(narrow, "a", name="inversion", record=record, seed=1)[0]
    inside = slice(7, 25)  # 18 columns: 32 * 40 / 70
    assert not inverted[:, :7].any()
    assert not inverted[:, 25:].any()
    assert np.abs(255.0 - read_input(narrow, record)[:, inside] - inverted[:, inside]).max() <= 1
