"""Typed options, one section per concern, read from YAML plus overrides; every problem is reported at once."""

from osteolens.config.augmentation import AugmentationOptions
from osteolens.config.config import Config
from osteolens.config.data import DataOptions, OwnColumn
from osteolens.config.evaluation import EvaluationOptions
from osteolens.config.explanation import ExplanationOptions
from osteolens.config.inference import InferenceOptions
from osteolens.config.loading import known_keys, load_config
from osteolens.config.model import ModelOptions
from osteolens.config.paths import PathOptions
from osteolens.config.phantom import PhantomOptions, PhantomSite, ShortcutOptions
from osteolens.config.training import TrainingOptions

__all__ = [
    "AugmentationOptions",
    "Config",
    "DataOptions",
    "EvaluationOptions",
    "ExplanationOptions",
    "InferenceOptions",
    "ModelOptions",
    "OwnColumn",
    "PathOptions",
    "PhantomOptions",
    "PhantomSite",
    "ShortcutOptions",
    "TrainingOptions",
    "known_keys",
    "load_config",
]
