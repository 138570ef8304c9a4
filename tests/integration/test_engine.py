"""Training in two processes: what one with the same global batch gives. Real processes on the CPU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import TrainingError
from osteolens.models.checkpoint import Checkpoint, checkpoint_path, load_checkpoint
from osteolens.training.run import run_folder, train

pytestmark = pytest.mark.slow

PATIENCE = 120.0
TOLERANCE = 1e-4
WITHOUT_BATCH_STATISTICS = ("model.backbone=convnext_atto", "training.learning_rate=5e-4")
EVERYTHING = (
    "training.epochs=3",
    "training.sampling=class_source",
    "training.class_weighting=sqrt_balanced",
    "training.layer_decay=0.8",
    "training.freeze=0.5",
    "training.freeze_epochs=1",
    "training.accumulation=2",
)

Run = Callable[..., Config]


@pytest.fixture(scope="module")
def configured(tiny_recipe: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("engine")

    def configure(experiment: str, *overrides: str) -> Config:
        return tiny_recipe.with_overrides(
            f"experiment={experiment}",
            "model.dropout=0",  # each process draws its own
            "training.threads=1",
            *(f"paths.{kind}_dir={folder / kind}" for kind in ("results", "checkpoints", "cache", "splits")),
            *overrides,
        )

    return configure


@pytest.fixture(scope="module")
def two(configured: Run) -> Config:
    return _trained(configured("two", *WITHOUT_BATCH_STATISTICS, *EVERYTHING, "training.devices=2"))


def _trained(config: Config) -> Config:
    data = load_radiographs(config.data)
    train(config, data, make_split(data, "stratified", config))
    return config


def _log(config: Config) -> pd.DataFrame:
    return pd.read_csv(run_folder(config, "stratified").log).drop(columns="seconds")


def _last(config: Config) -> Checkpoint:
    return load_checkpoint(checkpoint_path(config, "stratified", "last"))


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    pairs = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, of in pairs if int(of) == parent]


def _runs(pid: int) -> bool:
    """Whether a process is there and no mere entry that waits to be collected."""
    done = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def test_two_processes_give_what_one_gives(configured: Run, two: Config) -> None:
    one = _trained(configured("one", *WITHOUT_BATCH_STATISTICS, *EVERYTHING))
    pd.testing.assert_frame_equal(_log(two), _log(one), rtol=0, atol=TOLERANCE)
    ours, theirs = _last(two), _last(one)
    assert ours.model_state.keys() == theirs.model_state.keys()
    for name, value in theirs.model_state.items():
        assert torch.allclose(ours.model_state[name], value, rtol=0, atol=TOLERANCE), name
    assert ours.training_state["random"]["torch"].shape[0] == 2
    begun = _log(one).iloc[0]
    assert not begun.equals(_log(one).iloc[-1]), "nothing was learnt"


def test_two_processes_are_guided_as_one(configured: Run) -> None:
    guided = (
        "data.image_size=64",  # maps of 2 x 2 cells
        "training.epochs=2",
        "training.freeze=1",  # pictures of a batch would meet in the statistics
        "training.learning_rate=0.02",
        "training.guidance_weight=0.5",
        "training.guidance_warmup=1",
    )
    one, two = (_trained(configured(f"guided_{devices}", *guided, f"training.devices={devices}")) for devices in (1, 2))
    pd.testing.assert_frame_equal(_log(two), _log(one), rtol=0, atol=TOLERANCE)
    ours, theirs = _last(two).model_state, _last(one).model_state
    for name, value in theirs.items():
        assert torch.allclose(ours[name], value, rtol=0, atol=TOLERANCE), name
    losses = _log(one)["train_guidance"]
    assert losses.iloc[0] != losses.iloc[1]


def test_a_killed_run_of_two_processes_goes_on(configured: Run) -> None:
    recipe = (*WITHOUT_BATCH_STATISTICS, *EVERYTHING, "training.devices=2", "model.dropout=0.2")  # each draws its own
    two = _trained(configured("undisturbed", *recipe))
    killed = configured("killed", *recipe)
    file = killed.save(killed.paths.results_dir / "killed.yaml")
    in_background = ["sh", "-c", 'trap "" INT; exec "$0" "$@"']  # a script's jobs ignore interrupts
    command = [*in_background, sys.executable, "-m", "osteolens", "train", "--config", str(file), "--quiet"]
    process = subprocess.Popen(command)  # noqa: S603  our own verb
    last = checkpoint_path(killed, "stratified", "last")
    deadline = time.monotonic() + PATIENCE
    while not last.exists():
        assert process.poll() is None, "the run ended early"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = _children(process.pid)
    assert len(children) >= 2
    os.kill(process.pid, signal.SIGKILL)  # the parent alone: its processes are to end with it
    process.wait()
    while any(_runs(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not _last(killed).training_state["finished"], "killed too late for this test to mean anything"
    _trained(killed)
    pd.testing.assert_frame_equal(_log(killed), _log(two), check_exact=True)
    ours, theirs = _last(killed), _last(two)
    assert all(ours.model_state[name].equal(value) for name, value in theirs.model_state.items())
    assert ours.training_state["random"]["torch"].equal(theirs.training_state["random"]["torch"])


def test_with_batch_statistics_of_their_own_they_come_close(configured: Run) -> None:
    recipe = ("training.epochs=2", "training.batch_size=16", "training.learning_rate=3e-4")
    one, two = (
        _log(_trained(configured(f"norms_{devices}", *recipe, f"training.devices={devices}"))) for devices in (1, 2)
    )
    for name in ("train_loss", "val_loss"):  # eight pictures share statistics instead of sixteen
        assert two[name].to_numpy() == pytest.approx(one[name].to_numpy(), abs=0.1)


def test_a_loss_that_is_not_finite_stops_both_and_names_the_whole_batch(configured: Run) -> None:
    wild = configured(
        "wild",
        "training.devices=2",
        "training.learning_rate=1e30",
        "training.gradient_clip=0",
        "training.warmup_epochs=0",
    )
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf)\..*of the batch: (IMG\d{6}\.jpe?g(, )?){8}\."):
        _trained(wild)
    assert not (Path(wild.paths.checkpoints_dir) / "wild_stratified_last.pt").exists()
