from __future__ import annotations

import numpy as np
import pytest

from osteolens.config import AugmentationOptions
from osteolens.data.dataset import BTXRDDataset
from osteolens.domain import Preprocessing
from osteolens.training.sampling import DrawnSamples, EpochBatches, balanced_weights

LABELS = [0, 0, 0, 0, 0, 1]
SOURCES = ["a", "a", "a", "a", "b", "a"]


def _rows(batches: EpochBatches) -> list[int]:
    return [row for batch in batches.whole() for row, _ in batch]


def test_batches_depend_on_seed_and_epoch_only() -> None:
    batches = EpochBatches(50, 3, batch_size=10)
    first = _rows(batches)
    batches.set_epoch(1)
    second = _rows(batches)
    batches.set_epoch(0)
    assert _rows(batches) == first
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert _rows(EpochBatches(50, 4, batch_size=10)) != first


@pytest.mark.parametrize(("length", "sizes"), [(50, [16, 16, 16]), (48, [16, 16, 16]), (5, [5])])
def test_a_last_batch_that_is_not_full_is_left_out(length: int, sizes: list[int]) -> None:
    batches = EpochBatches(length, 0, batch_size=16)
    assert [len(batch) for batch in batches] == sizes
    assert len(batches) == len(sizes)


@pytest.mark.parametrize("length", [5, 50])
def test_processes_share_each_batch_of_a_single_process(length: int) -> None:
    single = list(EpochBatches(length, 7, batch_size=8))
    shares = [list(EpochBatches(length, 7, batch_size=8, rank=rank, processes=2)) for rank in range(2)]
    assert len(shares[0]) == len(shares[1]) == len(single)
    for batch, *parts in zip(single, *shares, strict=True):
        assert sorted(parts[0] + parts[1]) == sorted(batch)
        assert len(parts[0]) - len(parts[1]) == len(batch) % 2


def test_weights_of_classes_and_sources() -> None:
    # each class 1/2; the one picture of class 1 has all of it
    assert balanced_weights(LABELS, [""] * 6, 0) == pytest.approx([0.1] * 5 + [0.5])
    # within class 0: source a (4 pictures) and b (1) share equally: 1/4 each, a's among its 4
    assert balanced_weights(LABELS, SOURCES, 1) == pytest.approx([1 / 16] * 4 + [1 / 4, 1 / 2])
    # by the square root: a has 2/3 of class 0 and b 1/3
    assert balanced_weights(LABELS, SOURCES, 0.5) == pytest.approx([1 / 12] * 4 + [1 / 6, 1 / 2])
    assert balanced_weights(LABELS, SOURCES, 0) == pytest.approx([0.1] * 5 + [0.5])


def test_each_picture_is_drawn_as_often_as_its_weight_says() -> None:
    # 60 draws; shares 1/120, 1/40 and 1/12 of them are 0.5, 1.5 and 5 a picture
    weights = np.repeat([1 / 120, 1 / 40, 1 / 12], [30, 10, 6])
    weights = np.concatenate([weights, np.zeros(14)])
    batches = EpochBatches(60, 1, batch_size=60, weights=weights)
    counts = []
    for epoch in range(200):
        batches.set_epoch(epoch)
        counts.append(np.bincount(_rows(batches), minlength=60))
    found = np.array(counts)
    assert (found.sum(axis=1) == 60).all()
    assert (found[:, 30:40] >= 1).all()
    assert (found[:, 30:40] <= 2).all()
    assert (found[:, 40:46] == 5).all()
    assert not found[:, 46:].any()
    assert found[:, :30].mean() == pytest.approx(0.5, abs=0.02)
    assert len({tuple(row) for row in found}) == 200


def test_a_picture_drawn_again_is_changed_anew() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    record = Preprocessing(size=16, supersampling=1)
    samples = DrawnSamples(BTXRDDataset(pictures, [0, 1], record, augmentation=AugmentationOptions(), seed=5))
    samples.set_epoch(3)
    first, again, once_more = (samples[draw]["image"] for draw in [(1, 0), (1, 1), (1, 0)])
    assert not first.equal(again)
    assert first.equal(once_more)
    plain = BTXRDDataset(pictures, [0, 1], record, augmentation=AugmentationOptions(), seed=5)
    plain.set_epoch(3)
    assert first.equal(plain[1]["image"])


def test_draws_count_their_repetitions() -> None:
    weights = np.array([0.25, 0.75, 0, 0])
    draws = [draw for batch in EpochBatches(4, 0, batch_size=2, weights=weights).whole() for draw in batch]
    assert sorted(draws) == [(0, 0), (1, 0), (1, 1), (1, 2)]
