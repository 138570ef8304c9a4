"""torch datasets over the cached pictures. A draw depends on seed, epoch and image only, never on workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from typing_extensions import NotRequired

from osteolens.config import AugmentationOptions
from osteolens.data.appearance import change_appearance
from osteolens.data.augmentation import augment_mask, augment_picture, is_hidden, random_affine, shrinking
from osteolens.data.guided_regions import GuidedRegions
from osteolens.data.masks import LesionBox, lesion_boxes
from osteolens.data.preprocessing import normalise, sample_base
from osteolens.domain import Preprocessing
from osteolens.randomness import named_generator

Picture = NDArray[np.uint8]


class Sample(TypedDict):
    """One training or evaluation sample; `region`, uint8 0/1 [size, size], where training guides attention."""

    image: torch.Tensor
    label: int
    index: int
    region: NotRequired[torch.Tensor]


class _View(NamedTuple):
    """A picture [size, size] as one sample shows it, how its base picture was moved, and what became of its lesion."""

    picture: Picture
    affine: NDArray[np.float64]
    lesion_free: bool = False


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
    lesion_boxes
        Row of `pictures` to the place of its lesions in the base picture, where it is known: a zoom keeps the
        centre of the largest in view, and nothing in the box around all of them is erased.
    regions
        Gives each sample the region into which its evidence is drawn; None where attention is not guided.
    normal_index
        Class of a part without a lesion (``lesion_free`` of the augmentation).
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
        lesion_boxes: Mapping[int, LesionBox] | None = None,
        regions: GuidedRegions | None = None,
        normal_index: int = 0,
        seed: int = 0,
    ) -> None:
        self.lesion_boxes = lesion_boxes or {}
        self.regions = regions
        self.normal_index = normal_index
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
        view = self._view(index, index)
        label = self.normal_index if view.lesion_free else self.labels[index]
        return self._sample(view, label, index, index)

    def _view(self, index: int, row: int, *, keep_lesion: bool = False) -> _View:
        """Apply this epoch's random changes of sample `index` to a row's picture."""
        size, picture, options = self.record.size, self.pictures[row], self.augmentation
        if options is None:
            return _View(sample_base(picture, self.record), shrinking(picture.shape[0], size))
        generator = named_generator(self.seed, "augmentation", self.epoch, index)
        lesion = self.lesion_boxes.get(row)
        can_hide = options.lesion_free > 0 and not keep_lesion and lesion is not None
        hide = can_hide and generator.random() < options.lesion_free
        affine = random_affine(picture.shape[0], size, options, generator, lesion, hide=hide)
        moved_box = None if lesion is None else lesion.around.moved(affine)
        changed = change_appearance(augment_picture(picture, affine, size), options, generator, moved_box)
        return _View(changed, affine, lesion_free=hide and moved_box is not None and is_hidden(moved_box, size))

    def _sample(self, view: _View, label: int, index: int, row: int) -> Sample:
        sample = Sample(image=torch.from_numpy(normalise(view.picture, self.record)), label=label, index=index)
        if self.regions is not None:
            generator = named_generator(self.seed, "guidance", self.epoch, index)
            region = self.regions.of_view(row, view.picture, view.affine, generator, lesion_left_out=view.lesion_free)
            sample["region"] = torch.from_numpy(region)
        return sample


class BTXRDAnnotatedDataset(BTXRDDataset):
    """The same, followed by a copy of each annotated picture in which everything outside the lesion is dimmed.

    A copy whose lesion a shift has moved out of view is not dimmed: it would be dark all over and called a tumour.

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
        masks: Mapping[int, Picture],
        dim_factor: float = 0.5,
        augmentation: AugmentationOptions | None = None,
        regions: GuidedRegions | None = None,
        normal_index: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            pictures,
            labels,
            record,
            augmentation=augmentation,
            lesion_boxes=lesion_boxes(masks),
            regions=regions,
            normal_index=normal_index,
            seed=seed,
        )
        self.masks = masks
        self.dim_factor = dim_factor
        self.copies = sorted(masks)
        self.labels = [*labels, *(labels[row] for row in self.copies)]

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        if index < len(self.pictures):
            return super().__getitem__(index)
        row = self.copies[index - len(self.pictures)]
        view = self._view(index, row, keep_lesion=True)  # a dimmed copy is there for its lesion
        mask = augment_mask(self.masks[row], view.affine, self.record.size)
        dimmed = dim_outside(view.picture, mask, self.dim_factor)
        return self._sample(view._replace(picture=dimmed), self.labels[index], index, row)


def dim_outside(picture: Picture, mask: Picture, dim_factor: float) -> Picture:
    """Return `picture` with everything where `mask` is 0 multiplied by `dim_factor` (0 to 1), rounded.

    An empty mask dims nothing.
    """
    if not mask.any():
        return picture
    return np.where(mask > 0, picture, (picture * dim_factor + 0.5).astype(np.uint8))
