from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.explain.cell_map import CellMap
from osteolens.explain.overlay import overlay
from osteolens.inference.answer import Answer
from osteolens.inference.maps import STRIP, MappedPicture, draw_each, lay, map_batch, warn_of_no_evidence
from osteolens.inference.reading import InputBatch
from osteolens.inference.torch_network import TorchNetwork


def answer(name: str, **shares: float) -> Answer:
    return Answer(name, {"Normal": 0.0, "Benign": 0.0, "Malignant": 0.0} | shares)


def mapped(name: str, values: np.ndarray, *classes: str) -> MappedPicture:
    return MappedPicture(Path(name), answer(name, Benign=1.0), classes, CellMap(values), "closed_form")


def test_the_overlay_colours_the_place_that_the_network_looked_at(network: TorchNetwork) -> None:
    """Two cells a side divide a picture of 128 evenly: over pixels 31.5 and 95.5. Only the first is given evidence."""
    large = dataclasses.replace(network, record=dataclasses.replace(network.record, size=64))
    batch = InputBatch((Path("grey.png"),), ("grey.png",), np.full((1, 64, 64), 100, np.uint8), ((),), ())
    weights = network.model.network.get_classifier().weight.detach()

    def only_the_first(_: object, __: object, output: torch.Tensor) -> torch.Tensor:
        features = torch.zeros_like(output)
        features[..., 0, 0] = weights[1]
        return features

    with network.model.gradcam_target_layer.register_forward_hook(only_the_first):
        (picture,) = map_batch(large, batch, [answer("grey.png", Benign=1.0)], ExplanationOptions())
    assert (picture.classes, picture.method, picture.without_evidence) == (("Benign",), "closed_form", [])
    laid = lay(np.full((128, 128), 100, np.uint8), picture.maps[0], large.record)
    strength = np.ptp(laid.coloured.astype(int), axis=2)  # grey has none
    assert strength[0, 0] == strength.max() > 50
    assert strength[31, 0] == strength[0, 0]
    assert 0.3 < laid.heat[63, 0] / laid.heat[0, 0] < 0.7
    assert not strength[96:].any()
    assert not strength[:, 96:].any()


def test_every_picture_is_mapped_for_the_classes_asked_for(network: TorchNetwork) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (2, 32, 32)).astype(np.uint8)
    batch = InputBatch((Path("a"), Path("b")), ("a", "b"), pictures, ((), ()), ())
    answers = [answer("a", Malignant=1.0), answer("b", Normal=1.0)]
    own = map_batch(network, batch, answers, ExplanationOptions())
    assert [picture.classes for picture in own] == [("Malignant",), ("Normal",)]
    every = map_batch(network, batch, answers, ExplanationOptions(), ("Normal", "Benign", "Malignant"))
    np.testing.assert_allclose(own[0].maps.values[0], every[0].maps.values[2], atol=1e-6)
    np.testing.assert_allclose(own[1].maps.values[0], every[1].maps.values[0], atol=1e-6)
    assert map_batch(network, batch, [], ExplanationOptions()) == []


def test_a_tall_picture_is_coloured_as_in_one_piece() -> None:
    generator = np.random.default_rng(1)
    grey = generator.integers(0, 255, (2 * STRIP + 17, 30)).astype(np.uint8)
    laid = lay(grey, CellMap(generator.random((3, 3), np.float32)), Preprocessing(size=32, resize="stretch"))
    assert laid.heat.shape == grey.shape
    np.testing.assert_array_equal(laid.coloured, overlay(grey, laid.heat))


def test_maps_without_evidence_are_counted_and_the_first_named(caplog: pytest.LogCaptureFixture) -> None:
    nothing, something = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    pictures = [mapped(f"{number}.png", np.stack([something, nothing]), "Normal", "Benign") for number in range(7)]
    with caplog.at_level("WARNING", "osteolens"):
        warn_of_no_evidence(pictures[:1])
        warn_of_no_evidence(pictures)
        warn_of_no_evidence([mapped("x.png", something[None], "Normal")])
    one, many = (record.getMessage() for record in caplog.records)
    assert one == "1 of 2 maps are 0 everywhere, no evidence was found: 0.png (Benign)."
    named = ", ".join(f"{number}.png (Benign)" for number in range(5))
    assert many == f"7 of 14 maps are 0 everywhere, no evidence was found: {named} and 2 others."


def test_a_file_that_went_away_since_it_was_answered_is_told(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "here.png"), np.full((40, 30), 7, np.uint8))
    ones = np.ones((1, 2, 2), np.float32)
    both = [
        dataclasses.replace(mapped(name, ones, "Benign"), path=tmp_path / name) for name in ("here.png", "gone.png")
    ]
    drawn = {}
    failures = draw_each(both, lambda picture, grey: drawn.update({picture.answer.image: grey.shape}))
    assert drawn == {"here.png": (40, 30)}
    assert [failure.image for failure in failures] == ["gone.png"]
    assert "cannot be read" in failures[0].reason
