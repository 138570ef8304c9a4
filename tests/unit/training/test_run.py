from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from filelock import FileLock

from osteolens.config import Config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import StorageError, TrainingError
from osteolens.models.checkpoint import checkpoint_path, load_checkpoint
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


def test_a_killed_run_ends_like_one_never_killed(config: Config, data: RadiographSet, manifest: Manifest) -> None:
    config = config.with_overrides("training.epochs=6")
    whole = load_checkpoint(train(config, data, manifest))
    killed = config.with_overrides("experiment=killed")
    config_file = killed.save(killed.paths.results_dir / "killed.yaml")
    command = [sys.executable, "-m", "osteolens", "train", "--config", str(config_file), "--quiet"]
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603  our own verb
    last = checkpoint_path(killed, "case", "last")
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not load_checkpoint(last).training_state["finished"], "killed too late for this test to mean anything"
    resumed = load_checkpoint(train(killed, data, manifest))
    pd.testing.assert_frame_equal(_figures(config), _figures(killed))
    assert resumed.epoch == whole.epoch
    assert all(torch.equal(resumed.model_state[name], value) for name, value in whole.model_state.items())


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
