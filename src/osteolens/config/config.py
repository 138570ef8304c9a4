"""The whole configuration: its sections, and the rules across them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator
from typing_extensions import Self

from osteolens.config.augmentation import AugmentationOptions
from osteolens.config.base import Options
from osteolens.config.checking import checked
from osteolens.config.data import DataOptions
from osteolens.config.evaluation import EvaluationOptions
from osteolens.config.explanation import ExplanationOptions
from osteolens.config.inference import InferenceOptions
from osteolens.config.model import ModelOptions
from osteolens.config.paths import PathOptions
from osteolens.config.phantom import PhantomOptions
from osteolens.config.training import TrainingOptions
from osteolens.domain import BTXRD_CLASSES, NORMAL, SCHEME_FAMILIES, SPLIT_SCHEMES, Preprocessing
from osteolens.errors import ConfigError
from osteolens.storage import fingerprint, write_text


class Config(Options):
    """Everything a command needs to know. One seed governs every random choice."""

    experiment: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = Field(
        "default", description="name of the experiment; names the run folder and the checkpoints"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(42, description="the one seed")
    deterministic: bool = Field(True, description="same command, same seed, same CPU: same figures")
    class_names: tuple[str, ...] = Field(BTXRD_CLASSES, description="classes in the order of the network's outputs")
    data: DataOptions = DataOptions()
    phantom: PhantomOptions = PhantomOptions()
    model: ModelOptions = ModelOptions()
    augmentation: AugmentationOptions = AugmentationOptions()
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    explanation: ExplanationOptions = ExplanationOptions()
    inference: InferenceOptions = InferenceOptions()
    paths: PathOptions = PathOptions()

    @model_validator(mode="after")
    def _known_schemes(self) -> Self:
        known = (*SPLIT_SCHEMES, *self.data.split_files)
        folds = {f"{SCHEME_FAMILIES['case-kfold']}{number}" for number in range(1, self.data.folds + 1)}
        wanted = {*self.data.split_schemes, self.training.split_strategy} - {*known, *folds}
        # Which sources there are is known to the data set only.
        if unknown := sorted(name for name in wanted if not name.startswith(SCHEME_FAMILIES["source"])):
            raise ValueError(
                f"unknown split scheme(s) {', '.join(unknown)}; known are {', '.join(known)}; "
                f"also single ones, case-fold-1 to case-fold-{self.data.folds} and source-NAME"
            )
        if len(set(self.class_names)) != len(self.class_names) or len(self.class_names) < 2:
            raise ValueError("class_names must hold at least two different names")
        return self

    @model_validator(mode="after")
    def _parts_without_a_lesion_have_a_class(self) -> Self:
        if self.augmentation.lesion_free > 0 and NORMAL not in self.class_names:
            raise ValueError(f"augmentation.lesion_free needs a class named {NORMAL} among class_names")
        return self

    @model_validator(mode="after")
    def _usable_preprocessing(self) -> Self:
        try:
            self.preprocessing()
        except ConfigError as error:
            raise ValueError(" ".join(error.problems).removesuffix(".")) from error
        return self

    @property
    def splits_dir(self) -> Path:
        """Folder of this experiment's split manifests."""
        return self.paths.splits_dir or self.paths.results_dir / self.experiment / "splits"

    @property
    def split_seed(self) -> int:
        """Seed of the division into train, val and test."""
        return self.seed if self.data.split_seed is None else self.data.split_seed

    @property
    def reads_annotations(self) -> bool:
        """Whether training depends on where the lesions lie."""
        return self.training.annotations or self.training.guidance_weight > 0 or self.augmentation.avoids_lesions

    def preprocessing(self) -> Preprocessing:
        """Return the record that training, evaluation and inference share."""
        return Preprocessing(
            size=self.data.image_size,
            resize=self.data.resize,
            interpolation=self.data.interpolation,
            mean=self.model.mean,
            std=self.model.std,
            clahe=self.data.clahe,
            supersampling=self.data.supersampling,
            equalise_resolution=self.data.equalise_resolution,
            clean_background=self.data.clean_background,
            intensity=self.data.intensity,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, fit for YAML, JSON and a checkpoint."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the configuration as YAML, in the order of the sections."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    def save(self, path: Path) -> Path:
        """Write the resolved configuration."""
        return write_text(path, self.to_yaml())

    def fingerprint(self, *sections: str) -> str:
        """Return a short hash of the named sections (all of them when none is named)."""
        values = self.to_dict()
        return fingerprint({name: values[name] for name in sections or values})

    def with_overrides(self, *overrides: str) -> Config:
        """Return a copy with ``section.key=value`` changes applied and everything checked again."""
        return checked(Config, self.to_dict(), overrides)
