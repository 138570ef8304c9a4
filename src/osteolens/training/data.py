"""The train and validation parts of a manifest as loaders and arrays."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from osteolens.config import Config, TrainingOptions
from osteolens.data.cache import cached_pictures
from osteolens.data.dataset import BTXRDAnnotatedDataset, BTXRDDataset, Sample
from osteolens.data.guided_regions import GuidedRegions
from osteolens.data.manifest import Manifest
from osteolens.data.masks import PackedMasks, lesion_boxes, lesion_masks
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import NORMAL, Column, Preprocessing
from osteolens.errors import DataError
from osteolens.training.annotations import matched_lesion_free, used_annotations
from osteolens.training.sampling import DrawnSamples, EpochBatches, balanced_weights

logger = logging.getLogger("osteolens")


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
        Name of each sample of `dataset`; a dimmed copy is called after its picture.
    batches
        The draws of an epoch; `loader` gives this process its share of them.
    validation
        None for a split on which nothing may be chosen.
    """

    image_ids: list[str]
    dataset: BTXRDDataset
    samples: DrawnSamples
    batches: EpochBatches
    loader: DataLoader[Sample]
    validation: LabelledPictures | None

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose draws and random changes are made."""
        self.batches.set_epoch(epoch)
        self.samples.set_epoch(epoch)

    def names(self, batch: int) -> list[str]:
        """Return the names of a batch's samples in all processes together."""
        return [self.image_ids[row] for row, _ in self.batches.whole()[batch]]


def build_training_data(
    data: RadiographSet, manifest: Manifest, config: Config, *, rank: int = 0, processes: int = 1
) -> TrainingData:
    """Decode (or find in the cache) the pictures that training needs and wrap them for the loop.

    Parameters
    ----------
    rank, processes
        Process number `rank` of `processes` loads its share of each batch.
    """
    record = config.preprocessing()
    rows = manifest.part("train")
    dataset = _dataset(data, rows, _part(data, rows, record.base, config), config)
    copies = dataset.copies if isinstance(dataset, BTXRDAnnotatedDataset) else []
    ids, sources = rows[Column.IMAGE_ID].tolist(), rows[Column.SOURCE].tolist()
    samples = DrawnSamples(dataset)
    batches = EpochBatches(
        len(dataset),
        config.seed,
        batch_size=config.training.batch_size,
        weights=_weights(dataset.labels, [*sources, *(sources[row] for row in copies)], config.training),
        rank=rank,
        processes=processes,
    )
    selection = manifest.selection_split
    return TrainingData(
        image_ids=[*ids, *(f"{ids[row]} (dimmed)" for row in copies)],
        dataset=dataset,
        samples=samples,
        batches=batches,
        loader=DataLoader(samples, batch_sampler=batches, num_workers=config.training.workers),
        validation=None if selection is None else _part(data, manifest.part(selection), record, config),
    )


def class_indices(labels: pd.Series[str], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the position of each label among the class names, shape [N]."""
    if unknown := sorted(set(labels) - set(class_names)):
        raise DataError(
            f"the manifest has the class(es) {', '.join(unknown)}; class_names are {', '.join(class_names)}. "
            "Set class_names to the classes of the data."
        )
    return labels.map({name: index for index, name in enumerate(class_names)}).to_numpy(np.int64)


def _weights(labels: list[int], sources: list[str], options: TrainingOptions) -> NDArray[np.float64] | None:
    """Return the share of the draws that goes to each sample, or None where each is drawn once."""
    if options.sampling == "shuffle":
        return None
    if options.class_weighting != "none":
        logger.warning(
            "training.sampling = %s and training.class_weighting = %s both balance the classes, so rare ones count "
            "twice. Set training.class_weighting=none.",
            *(options.sampling, options.class_weighting),
        )
    if options.sampling == "class":
        return balanced_weights(labels, [""] * len(labels), power=0)
    if len(set(sources)) == 1:
        logger.warning(
            "training.sampling = class_source, but only one source is known: the classes alone are balanced."
        )
    return balanced_weights(labels, sources, options.sampling_power)


def _part(data: RadiographSet, rows: pd.DataFrame, record: Preprocessing, config: Config) -> LabelledPictures:
    paths = [data.path(name) for name in rows[Column.IMAGE_ID]]
    pictures = cached_pictures(paths, record, config.paths.cache_dir)
    return LabelledPictures(pictures, class_indices(rows[Column.LABEL], config.class_names))


def _dataset(data: RadiographSet, rows: pd.DataFrame, part: LabelledPictures, config: Config) -> BTXRDDataset:
    record, labels = config.preprocessing(), part.labels.tolist()
    names = config.class_names
    masks = _used_masks(data, rows, labels, config)
    common: dict[str, Any] = {
        "augmentation": config.augmentation,
        "regions": _regions(masks, labels, config),
        "normal_index": names.index(NORMAL) if NORMAL in names else 0,  # not used without a class of that name
        "seed": config.seed,
    }
    if not config.training.annotations:
        return BTXRDDataset(part.pictures, labels, record, lesion_boxes=lesion_boxes(masks), **common)
    factor = config.training.dim_factor
    return BTXRDAnnotatedDataset(part.pictures, labels, record, masks=masks, dim_factor=factor, **common)


def _used_masks(data: RadiographSet, rows: pd.DataFrame, labels: list[int], config: Config) -> PackedMasks:
    """Return row to lesion mask, uint8 0/1 [base, base], of the outlines that training uses."""
    if not config.reads_annotations:
        return PackedMasks(())
    masks = lesion_masks(data, rows[Column.IMAGE_ID], config.preprocessing().base)
    if not masks:
        _do_without_annotations(data, config)
    used = used_annotations(list(masks), labels, config.training.annotation_share, config.seed)
    return PackedMasks((row, masks[row]) for row in used)


def _regions(masks: PackedMasks, labels: list[int], config: Config) -> GuidedRegions | None:
    options, names = config.training, config.class_names
    if options.guidance_weight == 0:
        return None
    matched = matched_lesion_free(list(masks), labels, names.index(NORMAL), config.seed) if NORMAL in names else []
    return GuidedRegions(masks, matched, options.guidance_margin)


def _do_without_annotations(data: RadiographSet, config: Config) -> None:
    """Raise :class:`DataError` for what would have no effect; say what merely cannot keep lesions in view."""
    found = f"no training image has a file in {data.annotations_dir}"
    for option, chosen in (
        ("training.annotations is true", config.training.annotations),
        ("training.guidance_weight is above 0", config.training.guidance_weight > 0),
        ("augmentation.lesion_free is above 0", config.augmentation.lesion_free > 0),
    ):
        if chosen:
            raise DataError(f"{option}, but {found}.")
    logger.info("%s: augmentation.zoom_in and erase work without regard to lesions.", found)
