"""torch datasets over the cached pictures. A draw depends on seed, epoch and image only, never on workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from osteolens.config import AugmentationOptions
from osteolens.data.augmentation import augment_intensity, augment_mask, augment_picture, random_affine, shrinking
from osteolens.data.preprocessing import normalise, sample_base
from osteolens.domain import Preprocessing
from osteolens.randomness import named_generator

Picture = NDArray[np.uint8]


class Sample(TypedDict):
    """One training or evaluation sample."""

    image: torch.Tensor
    label: int
    index: int


class BTXRDDataset(Dataset[Sample]):
    """Radiographs and labels.

    Parameters
    ----------
    pictures
        uint8 [N, base, base], the base pictures of `record`, from which inputs of ``record.size`` are sampled.
    labels
        Class index of each picture, length N.
    record
        How a picture becomes an input; the sample's image is float32 [channels, size, size].
    augmentation
        Random changes; None for evaluation.
    seed
        Seed of those changes.
    """

    def __init__(
        self,
        pictures: Picture,
        labels: Sequence[int],
        record: Preprocessing,
        *,
        augmentation: AugmentationOptions | None = None,
        seed: int = 0,
    ) -> None:
        self.pictures = pictures
        self.labels = list(labels)
        self.record = record
        self.augmentation = augmentation
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose random changes are drawn."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        picture, _ = self._augmented(index, self.pictures[index])
        return self._sample(index, picture)

    def _augmented(self, index: int, picture: Picture, mask: Picture | None = None) -> tuple[Picture, Picture | None]:
        """Apply this epoch's random changes of sample `index` to a picture and, if given, to its mask."""
        size = self.record.size
        if self.augmentation is None:
            to_input = shrinking(picture.shape[0], size)
            return sample_base(picture, self.record), None if mask is None else augment_mask(mask, to_input, size)
        generator = named_generator(self.seed, "augmentation", self.epoch, index)
        affine = random_affine(picture.shape[0], size, self.augmentation, generator)
        changed = augment_intensity(augment_picture(picture, affine, size), self.augmentation, generator)
        return changed, None if mask is None else augment_mask(mask, affine, size)

    def _sample(self, index: int, picture: Picture) -> Sample:
        image = torch.from_numpy(normalise(picture, self.record))
        return Sample(image=image, label=self.labels[index], index=index)


class BTXRDAnnotatedDataset(BTXRDDataset):
    """The same, followed by a copy of each annotated picture in which everything outside the lesion is dimmed.

    Parameters
    ----------
    masks
        Row of `pictures` to its lesion mask, uint8 0/1 [base, base]; only training rows that have an annotation.
    dim_factor
        Brightness left outside the lesion, 0 to 1.
    """

    def __init__(
        self,
        pictures: Picture,
        labels: Sequence[int],
        record: Preprocessing,
        *,
        masks: dict[int, Picture],
        dim_factor: float = 0.5,
        augmentation: AugmentationOptions | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(pictures, labels, record, augmentation=augmentation, seed=seed)
        self.masks = masks
        self.dim_factor = dim_factor
        self.copies = sorted(masks)
        self.labels = [*labels, *(labels[row] for row in self.copies)]

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        if index < len(self.pictures):
            return super().__getitem__(index)
        row = self.copies[index - len(self.pictures)]
        picture, mask = self._augmented(index, self.pictures[row], self.masks[row])
        return self._sample(index, picture if mask is None else dim_outside(picture, mask, self.dim_factor))


def dim_outside(picture: Picture, mask: Picture, dim_factor: float) -> Picture:
    """Return `picture` with everything where `mask` is 0 multiplied by `dim_factor` (0 to 1), rounded."""
    return np.where(mask > 0, picture, (picture * dim_factor + 0.5).astype(np.uint8))
