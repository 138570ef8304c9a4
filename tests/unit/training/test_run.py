from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from sklearn.metrics import log_loss, roc_auc_score

from osteolens.config import Config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import ConfigError, StorageError, TrainingError
from osteolens.inference.predictor import Predictor
from osteolens.models.checkpoint import checkpoint_path, load_checkpoint
from osteolens.models.factory import create_model
from osteolens.training.data import build_training_data
from osteolens.training.run import run_folder, train

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tiny_config: Config) -> Config:
    return tiny_config.with_overrides("training.split_strategy=case", "experiment=whole")


@pytest.fixture
def data(config: Config) -> RadiographSet:
    return load_radiographs(config.data)


@pytest.fixture
def manifest(config: Config, data: RadiographSet) -> Manifest:
    return make_split(data, "case", config)


def _figures(config: Config) -> pd.DataFrame:
    return pd.read_csv(run_folder(config, "case").log).drop(columns="seconds")


def test_a_finished_run_is_not_trained_again(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    best = train(config, data, manifest)
    stamp = checkpoint_path(config, "case", "last").stat().st_mtime_ns
    assert train(config, data, manifest) == best
    assert checkpoint_path(config, "case", "last").stat().st_mtime_ns == stamp


def test_another_recipe_does_not_overwrite_a_run(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    best = train(config, data, manifest)
    content = best.read_bytes()
    changed = config.with_overrides("training.learning_rate=1e-4")
    with pytest.raises(TrainingError, match=r"other options or other data.*--fresh"):
        train(changed, data, manifest)
    assert best.read_bytes() == content
    train(changed, data, manifest, fresh=True)
    assert best.with_suffix(".previous.pt").read_bytes() == content


def test_two_runs_in_one_folder_are_refused(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    folder = run_folder(config, "case").root
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), pytest.raises(StorageError, match="another process is training"):
        train(config, data, manifest)


def test_a_loss_that_is_not_finite_names_the_images(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    wild = config.with_overrides("training.learning_rate=1e30", "training.gradient_clip=0", "training.warmup_epochs=0")
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) on the batch IMG\d{6}"):
        train(wild, data, manifest)


def test_early_stopping_keeps_the_best_epoch(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    stopping = config.with_overrides("training.epochs=12", "training.early_stopping_patience=2")
    best = load_checkpoint(train(stopping, data, manifest))
    log = _figures(stopping)
    assert best.metrics["val_macro_auc"] == pytest.approx(log["val_macro_auc"].max())
    assert best.epoch == log["val_macro_auc"].idxmax() + 1
    assert len(log) == 12 or len(log) == best.epoch + 2


def test_the_run_folder_holds_what_is_needed_to_repeat_it(
    config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    train(config, data, manifest)
    run = run_folder(config, "case")
    for path in (run.config, run.manifest, run.log, run.curves, run.provenance):
        assert path.stat().st_size > 0
    provenance = run.provenance.read_text()
    assert '"torch"' in provenance
    assert str(Path.home()) not in provenance


@pytest.mark.parametrize("flip", ["true", "false"])
def test_epochs_are_chosen_by_what_is_reported(
    config: Config, data: RadiographSet, manifest: Manifest, flip: str
) -> None:
    config = config.with_overrides(f"evaluation.flip_averaging={flip}", "training.epochs=2")
    best = train(config, data, manifest)
    validation = build_training_data(data, manifest, config).validation
    assert validation is not None
    answers = Predictor.from_checkpoint(best, "cpu").probabilities(validation.pictures)
    expected = roc_auc_score(validation.labels, answers, multi_class="ovr")
    assert load_checkpoint(best).metrics["val_macro_auc"] == pytest.approx(expected)
    assert load_checkpoint(best).metrics["val_loss"] == pytest.approx(log_loss(validation.labels, answers))


def test_a_recipe_that_cannot_run_here_leaves_nothing_behind(
    config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    with pytest.raises(ConfigError, match="16-mixed works on GPUs only"):
        train(config.with_overrides("training.precision=16-mixed"), data, manifest)
    assert not run_folder(config, "case").config.exists()


def test_the_backbone_learns_only_when_it_is_no_longer_frozen(
    config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    frozen = config.with_overrides("training.freeze=1", "training.epochs=2", "training.ema_decay=0")
    states = {}
    for epochs in ("1", "null"):
        options = frozen.with_overrides(f"training.freeze_epochs={epochs}", f"experiment=frozen_{epochs}")
        train(options, data, manifest)
        states[epochs] = load_checkpoint(checkpoint_path(options, "case", "last")).model_state
    begun = create_model(config.model, 3).network.state_dict().keys()
    differing = {name for name in begun if not states["1"][f"network.{name}"].equal(states["null"][f"network.{name}"])}
    assert {"conv_stem.weight", "bn1.running_mean", "classifier.weight"} <= differing
    wholly = states["null"]
    assert all(wholly[f"network.{name}"].eq(0).all() for name in begun if name.endswith("running_mean"))
    assert all(wholly[f"network.{name}"].eq(1).all() for name in begun if name.endswith("running_var"))
