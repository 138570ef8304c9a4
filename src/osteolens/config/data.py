"""Options of the radiographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from typing_extensions import Self

from osteolens.config.base import Fraction, Options
from osteolens.domain import Intensity, Interpolation, ResizeMode

OwnColumn = Literal["image_id", "label", "case_id", "center", "source", "age", "gender"]


def _as_text(values: Any) -> Any:
    """Let a table's 0 and 1 be written without quotes; YAML has already taken a bare yes or no for something else."""
    if not isinstance(values, dict):
        return values
    if any(isinstance(key, bool) for key in values):
        raise ValueError("put yes, no, true and false in quotes")
    return {str(key): value for key, value in values.items()}


class DataOptions(Options):
    """Where the radiographs lie and how they become a network's input."""

    root: Path = Field(Path("data/phantom"), description="folder that holds images/, Annotations/ and dataset.csv")
    images_dir: str = Field("images", description="folder of the images, relative to the data root")
    annotations_dir: str = Field(
        "Annotations", description="folder of the LabelMe files or PNG masks, relative to the data root"
    )
    metadata: str | None = Field(
        "dataset.csv",
        description="metadata table (CSV or XLSX), relative to the data root; null: a folder of images per class",
    )
    columns: dict[OwnColumn, str] = Field(
        default_factory=dict,
        description="own data: what the table calls image_id, label, case_id, center, source, age or gender",
    )
    label_values: Annotated[dict[str, str], BeforeValidator(_as_text)] = Field(
        default_factory=dict, description="own data: class of each value in the label column, or of each class folder"
    )
    case_table: str | None = Field(
        None,
        description="CSV image_id,case_id,source in the data root; null: cases.csv there or the built-in table",
    )
    split_files: dict[str, str] = Field(
        default_factory=dict, description="further schemes: name to a CSV image_id,split relative to the data root"
    )
    image_size: Annotated[int, Field(ge=16, le=2048)] = Field(224, description="side of the network's input in pixels")
    resize: ResizeMode = Field("letterbox", description="letterbox keeps the aspect ratio, stretch does not")
    interpolation: Interpolation = Field("area", description="area averages when shrinking; bilinear does not")
    supersampling: Annotated[float, Field(ge=1, le=4)] = Field(
        1.6,
        description="inputs are sampled from a base picture this many times as large, so that rotated training "
        "pictures are as sharp as untouched test pictures; 1 is off",
    )
    clahe: bool = Field(
        False, description="contrast-limited equalisation of every picture, in training and at inference"
    )
    equalise_resolution: Annotated[int, Field(ge=16, le=4096)] | None = Field(
        None, description="every picture is first shrunk to sides of at most this many pixels; null is off"
    )
    clean_background: bool = Field(
        False, description="blank frames, letters, plates and air outside the body, in training and at inference"
    )
    intensity: Intensity = Field(
        "none", description="percentile: stretch the body's grey values from their 1st and 99th percentile to 0 and 255"
    )
    split_fractions: tuple[Fraction, Fraction, Fraction] = Field(
        (0.70, 0.15, 0.15), description="train, val and test share of the schemes stratified and case"
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        None, description="seed of the division alone, to train several seeds on one division; null: the one seed"
    )
    folds: Annotated[int, Field(ge=2, le=100)] = Field(
        5, description="folds of the scheme case-kfold; each is the test part of one manifest, case-fold-1 and so on"
    )
    split_schemes: tuple[str, ...] = Field(("stratified", "case"), description="schemes that `split` and `run` make")

    @model_validator(mode="after")
    def _fractions_sum_to_one(self) -> Self:
        if abs(sum(self.split_fractions) - 1) > 1e-6 or min(self.split_fractions) <= 0:
            raise ValueError("split_fractions must be above 0 and sum to 1")
        return self
