"""A training run that is killed, disturbed or refused by the disk. Real processes, real files."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from command import osteolens

from osteolens.config import Config
from osteolens.data.dataset import BTXRDDataset, Sample
from osteolens.data.manifest import read_manifest
from osteolens.errors import EXIT_FAILURE, EXIT_OK
from osteolens.models.checkpoint import checkpoint_path, load_checkpoint
from osteolens.training.run import run_folder

if sys.platform == "win32":
    pytest.skip("needs kill, limits and the fork server", allow_module_level=True)

import resource

from killable import kill, prepared_server, run_for, run_until

pytestmark = pytest.mark.slow

SCHEME = "stratified"
EPOCHS = 3
KILLS = 5
AN_HOUR = 3600.0
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Run:
    """A configuration, on disk as well."""

    config: Config

    @property
    def command(self) -> list[str]:
        return ["train", "--config", str(self.config.paths.results_dir / f"{self.config.experiment}.yaml"), "--quiet"]

    @property
    def log(self) -> pd.DataFrame:
        return pd.read_csv(run_folder(self.config, SCHEME).log).drop(columns="seconds")

    def checkpoint(self, kind: str = "last") -> Path:
        return checkpoint_path(self.config, SCHEME, kind)

    def finish(self) -> None:
        assert osteolens(*self.command) == EXIT_OK


NewRun = Callable[..., Run]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def new_run(tiny_recipe: Config, folder: Path) -> NewRun:
    def new(experiment: str, *overrides: str) -> Run:
        config = tiny_recipe.with_overrides(
            f"experiment={experiment}",
            f"training.epochs={EPOCHS}",
            "training.annotations=true",
            "training.threads=1",
            *(f"paths.{kind}_dir={folder / kind}" for kind in ("results", "checkpoints", "cache", "splits")),
            *overrides,
        )
        config.save(config.paths.results_dir / f"{experiment}.yaml")
        return Run(config)

    return new


@pytest.fixture(scope="module")
def seconds_and_run(new_run: NewRun) -> tuple[float, Run]:
    run = new_run("undisturbed")
    started = time.process_time()
    run.finish()
    return time.process_time() - started, run


@pytest.fixture(scope="module")
def undisturbed(seconds_and_run: tuple[float, Run]) -> Run:
    return seconds_and_run[1]


@pytest.fixture(scope="module")
def server() -> Any:
    return prepared_server()


def assert_ended_alike(run: Run, undisturbed: Run) -> None:
    pd.testing.assert_frame_equal(run.log, undisturbed.log)
    for kind in ("best", "last"):
        ours, theirs = _content(run.checkpoint(kind)), _content(undisturbed.checkpoint(kind))
        assert ours.keys() == theirs.keys()
        different = [name for name, value in theirs.items() if not _same(ours[name], value)]
        assert different == []
    assert _left_behind(run) == []


def _content(path: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(path)
    kept = {name: getattr(checkpoint, name) for name in ("epoch", "metrics", "model_state", "training_state")}
    return {name: value for name, value in _leaves(kept) if not name.endswith("/seconds")}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{name}/{key}")
    else:
        yield name, value


def _same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(other, torch.Tensor) else one == other


def _left_behind(run: Run) -> list[Path]:
    """Return the files of a writer that never came to its end."""
    places = (run_folder(run.config, SCHEME).root, run.config.paths.checkpoints_dir)
    hidden = [path for place in places for path in place.glob(".*") if not path.name.endswith(".lock")]
    return hidden + list(run.config.paths.cache_dir.glob(".pictures_*"))


def _make_old(run: Run) -> None:
    """Age what a kill left of the cache, which many runs may write: only what is old has certainly lost its writer."""
    for path in run.config.paths.cache_dir.glob(".pictures_*"):
        os.utime(path, (time.time() - AN_HOUR,) * 2)


def test_killed_at_random_moments(
    seconds_and_run: tuple[float, Run], new_run: NewRun, folder: Path, server: Any
) -> None:
    seconds, undisturbed = seconds_and_run
    run = new_run("at_random", f"paths.cache_dir={folder / 'decoded_again'}")
    moments = seconds * np.random.default_rng(4).uniform(0.1, 0.7, KILLS)
    codes = []
    for moment in sorted(moments.tolist()):  # rising, so that the first ones strike before anything is kept
        codes.append(run_for(server, run.command, moment))
        _make_old(run)
    assert codes.count(-signal.SIGPROF) >= 2, "the kills came too late for this test to mean anything"
    assert set(codes) <= {EXIT_OK, -signal.SIGPROF}
    run.finish()
    assert_ended_alike(run, undisturbed)


def test_killed_before_each_kind_of_file_is_in_its_place(
    undisturbed: Run, new_run: NewRun, folder: Path, server: Any
) -> None:
    run = new_run("at_writes", f"paths.cache_dir={folder / 'decoded_once_more'}")
    kept = []
    for name, number in (
        (".npy", 1),  # decoded, nothing trained
        ("_best.pt", 1),  # an epoch is in the log, in no checkpoint
        ("_last.pt", 1),  # the best checkpoint is there, the last one is not
        ("_last.pt", 2),  # of two epochs the first is kept
        ("training_log.csv", 1),  # the second epoch has run again
        ("_last.pt", 2),  # the second is kept, the best checkpoint may be of the third
    ):
        assert kill(run_until(server, run.command, name, number, folder / "reached")) == -signal.SIGKILL
        _make_old(run)
        kept.append(load_checkpoint(run.checkpoint()).epoch if run.checkpoint().exists() else 0)
    assert kept == [0, 0, 0, 1, 1, 2]
    run.finish()
    assert_ended_alike(run, undisturbed)


def test_two_processes_are_not_let_into_one_run(
    new_run: NewRun, folder: Path, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run("twice", "training.epochs=1")
    first = run_until(server, run.command, "_best.pt", 1, folder / "reached")
    try:
        assert osteolens(*run.command) == EXIT_FAILURE
        place = run_folder(run.config, SCHEME).root
        assert f"another process is training in {place}. Wait for it, or name" in capsys.readouterr().err
        elsewhere = ["-o", f"paths.results_dir={folder / 'elsewhere'}"]  # other results, the same checkpoints
        assert osteolens(*run.command, *elsewhere) == EXIT_FAILURE
        assert f"another process is training in {run.checkpoint()}." in capsys.readouterr().err
        assert first.is_alive()
    finally:
        kill(first)
    run.finish()  # the lock went with its process


@contextlib.contextmanager
def _small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def _full_disk(place: Path) -> Iterator[None]:
    filler, state = place / "filler", os.statvfs(place)
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, state.f_bavail * state.f_frsize - MEGABYTE)
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:  # noqa: S603
        pytest.skip("needs the right to mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607


@pytest.fixture(scope="module")
def one_epoch(new_run: NewRun, folder: Path, server: Any) -> Run:
    """A run that was killed when one epoch was kept and none was being written."""
    run = new_run("one_epoch")
    assert kill(run_until(server, run.command, "training_log.csv", 2, folder / "reached")) == -signal.SIGKILL
    return run


def _refused(run: Run, one_epoch: Run, refusal: AbstractContextManager[None]) -> None:
    """Let the disk refuse in the second epoch and see that the first is still there."""
    for kind in ("best", "last"):
        run.checkpoint(kind).write_bytes(one_epoch.checkpoint(kind).read_bytes())
    with refusal:
        assert osteolens(*run.command) == EXIT_FAILURE
    assert run.checkpoint().read_bytes() == one_epoch.checkpoint().read_bytes()
    assert _left_behind(run) == []


def test_a_full_disk_leaves_the_earlier_checkpoint(
    undisturbed: Run, one_epoch: Run, new_run: NewRun, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run("full_disk", f"paths.checkpoints_dir={small_disk}")
    _refused(run, one_epoch, _full_disk(small_disk))
    sentence = rf"no space left to write {small_disk}/full_disk_\w+\.pt\. Free some space and run again"
    assert re.search(sentence, capsys.readouterr().err)
    run.finish()
    assert_ended_alike(run, undisturbed)


def test_a_limit_on_files_leaves_the_earlier_checkpoint(
    undisturbed: Run, one_epoch: Run, new_run: NewRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run("small_files")
    _refused(run, one_epoch, _small_files())
    sentence = r"cannot write \S+/small_files_\w+\.pt: it is larger than a file may be here. Raise the limit"
    assert re.search(sentence, capsys.readouterr().err)
    run.finish()
    assert_ended_alike(run, undisturbed)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
@pytest.mark.parametrize("kind", ["results", "checkpoints"])
def test_a_folder_without_permission_is_told(
    new_run: NewRun, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    run = new_run(f"closed_{kind}", "training.epochs=1")
    closed.mkdir(mode=0o500)
    assert osteolens(*run.command, "-o", f"paths.{kind}_dir={closed}") == EXIT_FAILURE
    assert f"no permission to write {closed}" in capsys.readouterr().err


def test_a_loss_that_is_no_number_names_its_batch_and_leaves_the_last_checkpoint(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run("not_a_number", "training.annotations=false", "training.epochs=2")
    drawn: list[int] = []
    intact = BTXRDDataset.__getitem__

    def spoiled(self: BTXRDDataset, index: int) -> Sample:
        """Give the first picture of the first epoch as NaN when it comes again."""
        sample = intact(self, index)
        drawn.append(index)
        if drawn.count(drawn[0]) == 2:
            sample["image"] = torch.full_like(sample["image"], torch.nan)
        return sample

    with monkeypatch.context() as patch:
        patch.setattr(BTXRDDataset, "__getitem__", spoiled)
        assert osteolens(*run.command) == EXIT_FAILURE
    told = capsys.readouterr().err
    train_part = read_manifest(run.config.splits_dir / f"{SCHEME}.csv").part("train")["image_id"].tolist()
    batch = drawn[-run.config.training.batch_size :]
    assert drawn[0] in batch
    assert "error: the loss became nan. Lower training.learning_rate" in told
    assert sorted(re.findall(r"IMG\d{6}\.\w+", told)) == sorted(train_part[row] for row in batch)
    assert load_checkpoint(run.checkpoint()).epoch == 1
    run.finish()
