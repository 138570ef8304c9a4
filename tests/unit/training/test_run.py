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
from osteolens.inference.torch_network import TorchNetwork
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


def test_setting_a_run_aside_can_be_broken_off(
    config: Config, data: RadiographSet, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = train(config, data, manifest)
    with monkeypatch.context() as patch:
        kept = Path.replace

        def break_off(path: Path, target: Path) -> Path:
            if path == best:
                raise KeyboardInterrupt
            return kept(path, target)

        patch.setattr(Path, "replace", break_off)
        with pytest.raises(KeyboardInterrupt):
            train(config, data, manifest, fresh=True)
    best.unlink()  # only a run that is trained again can bring it back
    assert train(config, data, manifest) == best
    assert best.is_file()


def test_a_finished_run_is_not_trained_again(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    best = train(config, data, manifest)
    stamp = checkpoint_path(config, "case", "last").stat().st_mtime_ns
    assert train(config, data, manifest) == best
    assert checkpoint_path(config, "case", "last").stat().st_mtime_ns == stamp


def test_another_recipe_does_not_overwrite_a_run(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    best = train(config, data, manifest)
    content = best.read_bytes()
    changed = config.with_overrides("training.learning_rate=1e-4")
    with pytest.raises(TrainingError, match=r"data: training.learning_rate was 0.002 and is 0.0001\. .*--fresh"):
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
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf)\..* images of the batch: IMG\d{6}"):
        train(wild, data, manifest)


def test_a_network_of_nans_is_never_kept(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    # one step an epoch: no later batch would show it
    wild = config.with_overrides("training.learning_rate=1e30", "training.batch_size=64", "training.warmup_epochs=0")
    with pytest.raises(TrainingError, match="no longer finite after epoch 1"):
        train(wild, data, manifest)
    assert not any(checkpoint_path(wild, "case", kind).exists() for kind in ("best", "last"))


def test_a_val_part_without_a_class_is_refused_before_the_first_epoch(
    config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    frame = manifest.frame.copy()
    frame.loc[(frame["split"] == "val") & (frame["label"] == "Malignant"), "split"] = "train"
    with pytest.raises(TrainingError, match=r"no image of Malignant, so val_macro_auc is undefined"):
        train(config, data, Manifest(frame))
    assert not run_folder(config, "case").config.exists()


def test_a_best_checkpoint_that_is_gone_is_not_named(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    short = config.with_overrides("training.epochs=1")
    train(short, data, manifest).unlink()
    with pytest.raises(TrainingError, match=r"case_best\.pt is gone, and .*case_last\.pt goes on from it"):
        train(short, data, manifest)


def test_early_stopping_keeps_the_best_epoch(
    config: Config, data: RadiographSet, manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = config.with_overrides("training.epochs=12", "training.early_stopping_patience=2")
    with caplog.at_level("INFO", logger="osteolens"):
        best = load_checkpoint(train(stopping, data, manifest))
    log = _figures(stopping)
    assert best.metrics["val_macro_auc"] == pytest.approx(log["val_macro_auc"].max())
    assert best.epoch == log["val_macro_auc"].idxmax() + 1
    assert len(log) == 12 or len(log) == best.epoch + 2
    why = ": val_macro_auc has not improved for 2 epochs" if len(log) == best.epoch + 2 else ""
    kept = f"epoch {best.epoch} is kept (val_macro_auc {best.metrics['val_macro_auc']:.4f})"
    assert f"finished after {len(log)} epochs{why}; {kept}" in caplog.messages


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
    answers = TorchNetwork.from_checkpoint(best, "cpu").probabilities(validation.pictures)
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
