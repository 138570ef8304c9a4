"""Which pictures make up the batches of an epoch, and which share of each batch a process takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from osteolens.data.dataset import BTXRDDataset, Sample
from osteolens.randomness import named_generator

Draw = tuple[int, int]  # a sample of the data set, and how often it was drawn before in this epoch
_REPETITION = 1 << 32  # more epochs than any run has


def balanced_weights(labels: Sequence[int], sources: Sequence[str], power: float) -> NDArray[np.float64]:
    """Return the share of the draws that goes to each sample, shape [N]; they sum to 1.

    Every class has the same share. Within a class of which source s has n_s samples, s has the share
    n_s^(1 - power) / sum of n^(1 - power) over its sources, and its samples share it equally. With ``power`` 1 each
    source comes equally often, with 0 each sample of the class does. One source for all balances the classes alone.
    """
    classes, class_of = np.unique(np.asarray(labels), return_inverse=True)
    _, cell_of, sizes = np.unique(
        np.array([f"{label}\x1f{source}" for label, source in zip(labels, sources, strict=True)]),
        return_inverse=True,
        return_counts=True,
    )
    within = sizes[cell_of].astype(np.float64) ** -power  # n^(1 - power) of the cell, shared out among its n samples
    totals = np.bincount(class_of, weights=within)
    shares: NDArray[np.float64] = within / totals[class_of] / len(classes)
    return shares


class EpochBatches(Sampler[list[Draw]]):
    """The batches of an epoch; they depend on seed and epoch only, so a resumed run sees the same ones.

    Parameters
    ----------
    length
        Number of samples, and of draws in an epoch.
    batch_size
        Draws in a batch of all processes together. A last batch that is not full is left out, since one of a single
        picture has no batch statistics; an epoch of fewer draws is one batch.
    weights
        Share of the draws that goes to each sample; None draws each once.
    rank, processes
        Process number `rank` is given every `processes`-th draw of a batch, beginning with its own.
    """

    def __init__(
        self,
        length: int,
        seed: int,
        *,
        batch_size: int,
        weights: NDArray[np.float64] | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.length = length
        self.seed = seed
        self.batch_size = min(batch_size, length)
        self.weights = weights
        self.rank = rank
        self.processes = processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches are drawn."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // self.batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        for batch in self.whole():
            yield batch[self.rank :: self.processes]

    def whole(self) -> list[list[Draw]]:
        """Return the epoch's batches of all processes together."""
        drawn: dict[int, int] = {}
        draws = []
        for row in self._rows().tolist():
            draws.append((row, drawn.get(row, 0)))
            drawn[row] = draws[-1][1] + 1
        starts = range(0, len(self) * self.batch_size, self.batch_size)
        return [draws[start : start + self.batch_size] for start in starts]

    def _rows(self) -> NDArray[np.int64]:
        """Draw systematically: each sample comes its expected number of times, rounded up or down."""
        generator = named_generator(self.seed, "order", self.epoch)
        rows = generator.permutation(self.length)
        if self.weights is None:
            return rows
        ends = np.cumsum(self.weights[rows])
        points = (np.arange(self.length) + generator.random()) / self.length * ends[-1]
        return generator.permutation(rows[np.minimum(np.searchsorted(ends, points, side="right"), self.length - 1)])


class DrawnSamples(Dataset[Sample]):
    """A data set asked by draws: a picture that comes more than once in an epoch is changed anew each time."""

    def __init__(self, dataset: BTXRDDataset) -> None:
        self.dataset = dataset
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose random changes are drawn."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> Sample:
        row, repetition = draw
        self.dataset.set_epoch(self.epoch + repetition * _REPETITION)
        return self.dataset[row]
