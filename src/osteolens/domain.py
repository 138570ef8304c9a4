"""The words of the field as frozen records. Each checks itself when it is built."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, get_args

from osteolens.errors import ConfigError

NORMAL, BENIGN, MALIGNANT = "Normal", "Benign", "Malignant"
BTXRD_CLASSES: tuple[str, ...] = (NORMAL, BENIGN, MALIGNANT)

ResizeMode = Literal["stretch", "letterbox"]
Interpolation = Literal["area", "bilinear"]
Intensity = Literal["none", "percentile"]
SplitName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)

SPLIT_SCHEMES = ("stratified", "center", "case", "case-kfold", "published", "source")
SCHEME_FAMILIES = {"case-kfold": "case-fold-", "source": "source-"}  # scheme of several manifests to their prefix

# years at which each band begins
AGE_BANDS = {"0-9": 0, "10-19": 10, "20-29": 20, "30-39": 30, "40-49": 40, "50-59": 50, "60-69": 60, "70 and over": 70}
# share of the image at which each band of lesion areas begins; half of all BTXRD lesions lie below 1%, where no map of
# 7 x 7 can follow them
AREA_BANDS = {"below 0.1%": 0.0, "0.1-0.3%": 0.001, "0.3-1%": 0.003, "1-3%": 0.01, "3-10%": 0.03, "10% and over": 0.1}
POOLED_SOURCE = "hospital_unknown"  # BTXRD center 1 normals, grouped by sex and age: a case is several patients
NONE_GIVEN = "none given"  # the group of images of which a table says nothing

SMALLEST_SIZE = 16  # pixels: side of the smallest input
LARGEST_BASE = 4096  # pixels: side of the largest base picture
DICOM_SUFFIXES = (".dcm", ".dicom")
IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".tif", ".tiff", *DICOM_SUFFIXES)


class Column:
    """Names of the columns that cross a stage: manifests, case tables and predictions use the same words."""

    IMAGE_ID = "image_id"
    SPLIT = "split"
    LABEL = "label"
    CASE = "case_id"
    CENTER = "center"
    SOURCE = "source"
    SCHEME = "scheme"
    SEED = "seed"
    PREDICTED = "predicted"
    CHECKPOINT = "checkpoint_sha256"
    PROBABILITY_PREFIX = "prob_"


def image_stem(image_id: str) -> str:
    """Return the key by which images, annotations and tables are joined: the file name without suffix.

    BTXRD names 27 files ``.jpg`` in one place and ``.jpeg`` in another, so only the stem identifies an image.
    """
    name = PurePath(image_id.strip()).name
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How any picture becomes a network's input: the one record that training, evaluation and inference share.

    Attributes
    ----------
    size
        Side of the square input in pixels, at least 16; ``size * supersampling`` is at most 4096.
    resize
        ``stretch`` ignores the aspect ratio; ``letterbox`` keeps it and pads with black.
    interpolation
        ``area`` averages when shrinking (no aliasing); ``bilinear`` is the plain method of many baselines.
    channels
        1 or 3; a grey picture is repeated over the channels.
    mean, std
        Per channel: ``input = (grey / 255 - mean) / std``. The options allow means of 0 to 1 and deviations above 0 up
        to 1.
    clahe
        Contrast-limited histogram equalisation, applied to every picture or to none.
    supersampling
        1 to 4. Above 1 a picture is first brought to a base picture of ``size * supersampling`` and the input is
        sampled bilinearly from that. Training draws its random rotations and zooms from the same base picture, in one
        interpolation, so that training and evaluation inputs are equally sharp.
    equalise_resolution
        Largest side in pixels, 16 to 4096, to which every picture is shrunk by averaging before anything else, so
        that no picture holds finer detail than another: its longer side with ``letterbox``, each of them with
        ``stretch``. Smaller pictures are left as they are. None is off.
    clean_background
        Blank what lies outside the exposed body: frames, letters, plates and air.
    intensity
        ``percentile`` stretches all grey values linearly, so that the 1st and 99th percentile of the body become 0 and
        255; ``none`` leaves them.

    The order is: equalise the resolution, resize to the base picture, clean, stretch, CLAHE, sample the input.
    """

    size: int
    resize: ResizeMode = "letterbox"
    interpolation: Interpolation = "area"
    channels: int = 3
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    clahe: bool = False
    supersampling: float = 1.0
    equalise_resolution: int | None = None
    clean_background: bool = False
    intensity: Intensity = "none"

    def __post_init__(self) -> None:
        problems: list[str] = []
        if not isinstance(self.size, int) or not SMALLEST_SIZE <= self.size <= LARGEST_BASE:
            problems.append(
                f"preprocessing size must be {SMALLEST_SIZE} to {LARGEST_BASE} whole pixels, not {self.size!r}."
            )
        if self.resize not in get_args(ResizeMode):
            problems.append(f"preprocessing resize must be stretch or letterbox, not {self.resize!r}.")
        if self.interpolation not in get_args(Interpolation):
            problems.append(f"preprocessing interpolation must be area or bilinear, not {self.interpolation!r}.")
        if self.channels not in {1, 3}:
            problems.append(f"preprocessing channels must be 1 or 3, not {self.channels}.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels or not all(math.isfinite(v) for v in values):
                problems.append(f"preprocessing {name} must hold {self.channels} finite number(s), not {values}.")
        if any(value <= 0 for value in self.std):
            problems.append(f"preprocessing std must be above 0, not {self.std}.")
        if not 1 <= self.supersampling <= 4:
            problems.append(f"preprocessing supersampling must lie in 1 to 4, not {self.supersampling}.")
        problems += self._base_problems() + self._equalising_problems()
        if problems:
            raise ConfigError(*problems)

    def _base_problems(self) -> list[str]:
        side = round(self.size * self.supersampling) if isinstance(self.size, int) else 0
        if side <= LARGEST_BASE or self.size > LARGEST_BASE:  # the latter is told already
            return []
        told = (
            f"image_size {self.size} times supersampling {self.supersampling:g} gives a base picture of {side} pixels; "
            f"at most {LARGEST_BASE} are allowed. Lower one of them."
        )
        return [told]

    def _equalising_problems(self) -> list[str]:
        """Check what is done against differences between hospitals."""
        problems = []
        side = self.equalise_resolution
        is_side = isinstance(side, int) and SMALLEST_SIZE <= side <= LARGEST_BASE
        if side is not None and not is_side:
            problems.append(
                f"preprocessing equalise_resolution must be {SMALLEST_SIZE} to {LARGEST_BASE} whole pixels or null, "
                f"not {side!r}."
            )
        if self.clean_background not in {True, False}:
            problems.append(f"preprocessing clean_background must be true or false, not {self.clean_background!r}.")
        if self.intensity not in get_args(Intensity):
            problems.append(f"preprocessing intensity must be none or percentile, not {self.intensity!r}.")
        return problems

    @property
    def base(self) -> Preprocessing:
        """How a picture becomes the base picture, from which the input is sampled."""
        return dataclasses.replace(self, size=round(self.size * self.supersampling), supersampling=1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, fit for JSON and for a checkpoint."""
        return {**dataclasses.asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """Rebuild from :meth:`to_dict`; unknown or missing keys raise :class:`ConfigError`.

        Keys that have a default may be missing: a checkpoint older than an option was made with that option off.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(values) - known:
            raise ConfigError(f"unknown preprocessing key(s) {sorted(unknown)}; known are {sorted(known)}.")
        try:
            return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
        except (KeyError, TypeError) as error:
            raise ConfigError(f"the preprocessing record is incomplete: {error}.") from error
