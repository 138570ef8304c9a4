"""The train and validation parts of a manifest as loaders and arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.dataset import BTXRDAnnotatedDataset, BTXRDDataset, Sample
from osteolens.data.manifest import Manifest
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column, Preprocessing
from osteolens.errors import DataError
from osteolens.randomness import named_generator


class EpochOrder(Sampler[int]):
    """A new order for every epoch that depends on seed and epoch only, so a resumed run sees the same batches."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        yield from named_generator(self.seed, "order", self.epoch).permutation(self.length).tolist()


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """Resized pictures uint8 [N, size, size] with class indices [N]."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the loop reads.

    Attributes
    ----------
    image_ids
        Names of the first samples of `dataset`; dimmed copies follow them.
    validation
        None for a split on which nothing may be chosen.
    """

    image_ids: list[str]
    dataset: BTXRDDataset
    order: EpochOrder
    loader: DataLoader[Sample]
    validation: LabelledPictures | None


def build_training_data(data: RadiographSet, manifest: Manifest, config: Config) -> TrainingData:
    """Decode (or find in the cache) the pictures that training needs and wrap them for the loop."""
    record = config.preprocessing()
    train = _part(data, manifest.part("train"), record.base, config)
    dataset = _dataset(data, manifest.part("train"), train, config)
    order = EpochOrder(len(dataset), config.seed)
    size = config.training.batch_size
    loader = DataLoader(
        dataset,
        batch_size=size,
        sampler=order,
        num_workers=config.training.workers,
        drop_last=len(dataset) > size,  # a last batch of one picture has no batch statistics
    )
    selection = manifest.selection_split
    validation = None if selection is None else _part(data, manifest.part(selection), record, config)
    return TrainingData(manifest.part("train")[Column.IMAGE_ID].tolist(), dataset, order, loader, validation)


def class_indices(labels: pd.Series[str], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the position of each label among the class names, shape [N]."""
    if unknown := sorted(set(labels) - set(class_names)):
        raise DataError(
            f"the manifest has the class(es) {', '.join(unknown)}; class_names are {', '.join(class_names)}."
        )
    return labels.map({name: index for index, name in enumerate(class_names)}).to_numpy(np.int64)


def _part(data: RadiographSet, rows: pd.DataFrame, record: Preprocessing, config: Config) -> LabelledPictures:
    paths = [data.path(name) for name in rows[Column.IMAGE_ID]]
    pictures = cached_pictures(paths, record, config.paths.cache_dir)
    return LabelledPictures(pictures, class_indices(rows[Column.LABEL], config.class_names))


def _dataset(data: RadiographSet, rows: pd.DataFrame, part: LabelledPictures, config: Config) -> BTXRDDataset:
    record = config.preprocessing()
    labels = part.labels.tolist()
    if not config.training.annotations:
        return BTXRDDataset(part.pictures, labels, record, augmentation=config.augmentation, seed=config.seed)
    masks = lesion_masks(data, rows[Column.IMAGE_ID], record.base)
    if not masks:
        raise DataError(f"training.annotations is true, but no training image has a file in {data.annotations_dir}.")
    return BTXRDAnnotatedDataset(
        part.pictures,
        labels,
        record,
        masks=masks,
        dim_factor=config.training.dim_factor,
        augmentation=config.augmentation,
        seed=config.seed,
    )
