from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from osteolens.domain import Preprocessing
from osteolens.explain.cell_map import CellMap
from osteolens.explain.deletion import KINDS, ORDERS, STEPS, Curves, deletion_insertion
from osteolens.explain.fills import BLUR, FILLS

SIDE = 32
RECORD = Preprocessing(size=SIDE, channels=1, mean=(0.0,), std=(1.0,))


class Brightness(nn.Module):
    """Class 1 has the logit 40 times the mean grey value of the corner of 8 x 8 pixels at the bottom right, less 2."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(40.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grey = images[:, 0, 24:, 24:].mean(dim=(1, 2)) * self.scale - 2
        return torch.stack([torch.zeros_like(grey), grey], dim=1)


@pytest.fixture
def pictures() -> np.ndarray:
    """A bright corner in a dark picture, twice."""
    pictures = np.zeros((2, SIDE, SIDE), np.uint8)
    pictures[:, 24:, 24:] = 250
    return pictures


def corner() -> CellMap:
    values = np.zeros((2, 4, 4), np.float32)
    values[:, 3, 3] = 1
    return CellMap(values)


def curves(pictures, maps, classes=(1, 1)) -> Curves:
    return deletion_insertion(
        Brightness(), RECORD, pictures, np.array(classes), maps, generator=np.random.default_rng(0)
    )


def answer(picture: np.ndarray) -> list[float]:
    with torch.no_grad():
        return Brightness()(torch.from_numpy(picture.astype(np.float32) / 255)[None, None]).softmax(1)[0].tolist()


def test_the_ends_are_the_picture_and_its_fill(pictures):
    found = curves(pictures, corner())
    blurred = answer(cv2.GaussianBlur(pictures[0], (0, 0), BLUR * SIDE))
    assert found.answers["blurred"][0].tolist() == pytest.approx(blurred, abs=1e-5)
    for fill in FILLS:
        gone = found.answers[fill][0, 1]
        for order in ORDERS:
            deleted, inserted = (found.probabilities[fill][kind][order][0] for kind in KINDS)
            assert deleted.shape == inserted.shape == found.shares.shape == (STEPS + 1,)
            assert (deleted[0], deleted[-1]) == pytest.approx((answer(pictures[0])[1], gone), abs=1e-5)
            assert (inserted[0], inserted[-1]) == pytest.approx((gone, answer(pictures[0])[1]), abs=1e-5)


def test_a_map_of_what_counts_deletes_sooner_and_inserts_sooner(pictures):
    pictures = pictures // 10  # dark enough that the fill changes the answer
    found = curves(pictures, corner())
    for fill in FILLS:
        for order in ("random", "centre"):
            assert (found.areas(fill, "deletion", "map") < found.areas(fill, "deletion", order)).all()
            assert (found.areas(fill, "insertion", "map") > found.areas(fill, "insertion", order)).all()


def test_a_map_that_only_finds_the_body_is_no_better_than_random_cells_of_it():
    """The body is the right quarter. A map that marks all of it is ahead of random cells, not of those of the body."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[:, 24:] = 25
    many = 40
    whole = CellMap(np.tile(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.float32), (many, 8, 1)))
    found = curves(np.stack([picture] * many), whole, classes=np.ones(many, int))
    areas = {order: found.areas("scrambled", "deletion", order).mean() for order in ORDERS}
    assert areas["map"] < areas["random"] - 0.1
    assert abs(areas["map"] - areas["body"]) < 0.03


def test_the_body_goes_before_the_air(pictures):
    """The body is the corner with its margin, less than 1/4 of the picture: then nothing more changes."""
    found = curves(pictures // 10, corner())
    deleted = found.probabilities["blurred"]["deletion"]["body"][0]
    assert deleted[STEPS // 4 :] == pytest.approx(np.full(STEPS - STEPS // 4 + 1, deleted[-1]), abs=1e-6)
    assert deleted[0] - deleted[-1] > 0.05


def test_the_probability_is_that_of_the_class_asked_for(pictures):
    both = curves(pictures, corner(), classes=(1, 0))
    one, other = both.probabilities["blurred"]["deletion"]["map"]
    np.testing.assert_allclose(one + other, 1, atol=1e-6)


def test_the_area_is_that_of_trapezoids():
    by_order = {"map": np.array([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]])}
    found = Curves(np.array([0, 0.5, 1]), {"blurred": {"deletion": by_order}}, {})
    np.testing.assert_allclose(found.areas("blurred", "deletion", "map"), [0.5, 0.25])


def test_a_quarter_of_the_steps_takes_a_quarter_of_the_pixels(pictures):
    """The order from the centre takes a disc: at 1/4 of the pixels none of the corner, which lies further out."""
    found = curves(pictures // 10, corner())
    at_a_quarter = STEPS // 4
    deleted = found.probabilities["blurred"]["deletion"]["centre"][0]
    assert deleted[at_a_quarter] == deleted[0]


def test_equal_values_go_in_random_order(pictures):
    flat = CellMap(np.zeros((2, 4, 4), np.float32))
    found = curves(pictures // 10, flat)
    for of_kind in found.probabilities.values():
        for of_order in of_kind.values():
            np.testing.assert_array_equal(of_order["map"], of_order["random"])
