"""Fixtures that the whole suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.config import Config, load_config

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} in the folder shared/ beside the checkout")
    return path


@pytest.fixture(scope="session")
def btxrd256() -> Path:
    """The real data set at 256 x 256."""
    return _shared("btxrd256")


@pytest.fixture(scope="session")
def btxrd_originals() -> Path:
    """Thirty full-size radiographs of the release."""
    return _shared("btxrd_originals")


@pytest.fixture(scope="session")
def fracatlas_sample() -> Path:
    """Three hundred radiographs of FracAtlas with a table of their own."""
    return _shared("fracatlas_sample")


@pytest.fixture(scope="session")
def dicom_folder() -> Path:
    """Real DICOM files in many encodings."""
    return _shared("dicom")


@pytest.fixture(scope="session")
def imagenet_weights() -> Path:
    """ImageNet weights of MobileNetV2."""
    return _shared("weights/mobilenetv2_100_imagenet.safetensors")


@pytest.fixture(scope="session")
def phantom_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated data set, made once; tests read it and never write into it."""
    from osteolens.data.phantom import generate_phantom

    root = tmp_path_factory.mktemp("phantom") / "data"
    generate_phantom(root, images=60, longest_side=160, seed=7)
    return root


@pytest.fixture(scope="session")
def tiny_recipe(phantom_root: Path) -> Config:
    """A run of seconds on the small phantom; where its results go is left to the test."""
    return load_config(
        None,
        [
            "experiment=tiny",
            f"data.root={phantom_root}",
            "data.image_size=32",
            "data.split_schemes=[stratified, case]",
            "model.backbone=mobilenetv2_050",
            "training.epochs=4",
            "training.batch_size=8",
            "training.learning_rate=2e-3",
            "training.warmup_epochs=1",
            "training.ema_decay=0.5",
            "training.accelerator=cpu",
            "evaluation.bootstrap_resamples=100",
            "explanation.gallery_size=2",
            "explanation.comparison_panels=2",
        ],
    )


@pytest.fixture
def tiny_config(tiny_recipe: Config, tmp_path: Path) -> Config:
    """The same with all results below the test's own folder."""
    return tiny_recipe.with_overrides(
        *(f"paths.{kind}_dir={tmp_path / kind}" for kind in ("results", "checkpoints", "cache"))
    )
