"""Options of the generated data set."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator
from typing_extensions import Self

from osteolens.config.base import Fraction, Options

PhantomSite = Literal["knee", "shin", "thigh", "ankle", "hip", "shoulder", "upper arm", "elbow", "forearm", "hand"]


class ShortcutOptions(Options):
    """Cues beside the lesion that give the class away, each of chosen strength."""

    marker: Fraction = Field(
        0.0, description="share of malignant pictures that bear a marker plate, which no other picture bears"
    )
    export_size: Fraction = Field(
        0.0, description="how far hospital_g exports small pictures and takes the malignant cases; 1: as in BTXRD"
    )
    metadata: Fraction = Field(1.0, description="share of normals whose site is left empty; 1: all, as in BTXRD")


class PhantomOptions(Options):
    """The generated data set."""

    images: Annotated[int, Field(ge=30, le=100_000)] = Field(240, description="number of radiographs")
    longest_side: Annotated[int, Field(ge=96, le=4096)] = Field(384, description="median longest side in pixels")
    sites: tuple[PhantomSite, ...] = Field(get_args(PhantomSite), description="parts of the body that are taken")
    lesion_scale: Annotated[float, Field(ge=0.3, le=3)] = Field(
        1.0, description="factor on a lesion's width and length"
    )
    lesion_contrast: Annotated[float, Field(gt=0, le=5)] = Field(
        1.0, description="factor on what a lesion adds to the attenuation or takes away; 1 follows physics"
    )
    duplicate_rate: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.0056, description="share of pictures that are byte-for-byte copies; BTXRD has 21 of 3,746"
    )
    duplicate_conflicts: Fraction = Field(
        0.1, description="share of those copies that are listed as Normal though they show a tumour; BTXRD has 2 of 21"
    )
    label_oddity_rate: Annotated[float, Field(ge=0, le=0.2)] = Field(
        0.0013, description="share of metadata rows with two subtypes, views or regions, no view, or another suffix"
    )
    coloured_rate: Annotated[float, Field(ge=0, le=0.2)] = Field(
        0.012, description="share of coloured pictures; BTXRD has 45 of 3,746"
    )
    jpg_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0072, description="share of files that end in .jpg instead of .jpeg; BTXRD has 27 of 3,746"
    )
    shortcuts: ShortcutOptions = ShortcutOptions()

    @model_validator(mode="after")
    def _some_site(self) -> Self:
        if not self.sites:
            raise ValueError("sites must name at least one part of the body")
        return self
