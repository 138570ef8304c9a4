"""A batch of answers that is killed and repeated. Real processes, real files."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from command import osteolens
from exported import lively_checkpoint
from limbs import limb

from osteolens.errors import EXIT_FAILURE

if sys.platform == "win32":
    pytest.skip("needs kill and the fork server", allow_module_level=True)

from killable import kill, prepared_server, run_for, run_until

pytestmark = pytest.mark.slow

FILES = 30
KILLS = 5
PATIENCE = 30.0


@dataclass(frozen=True)
class Batch:
    """A folder with good, blank and broken files, and a command that answers for it in parts of eight."""

    root: Path
    out: Path

    @property
    def command(self) -> list[str]:
        source = [str(self.root / "in" / "*.*"), "--checkpoint", str(self.root / "best.pt"), "--accept", "novelty"]
        return ["infer", *source, "--out", str(self.out), "--gradcam", "-q", "-o", "inference.part_size=8"]

    def files(self) -> dict[str, bytes]:
        """Return the content of every file that the command wrote and of every one that it left behind."""
        found = {path.relative_to(self.out).as_posix(): path for path in self.out.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.endswith(".lock")}


NewBatch = Callable[[str], Batch]


@pytest.fixture(scope="module")
def server() -> Any:
    return prepared_server()


@pytest.fixture(scope="module")
def new_batch(tmp_path_factory: pytest.TempPathFactory) -> NewBatch:
    root = tmp_path_factory.mktemp("batches")
    lively_checkpoint(root / "best.pt", "training.accelerator=cpu")
    (root / "in").mkdir()
    for number in range(FILES):
        picture = limb(150, 120, seed=number) if number % 7 != 3 else np.full((150, 120), 60, np.uint8)
        cv2.imwrite(str(root / "in" / f"{number:02}.png"), picture)
    (root / "in" / "11.png").write_bytes(b"broken")
    (root / "in" / "12.txt").write_text("no picture")
    return lambda name: Batch(root, root / name)


@pytest.fixture(scope="module")
def seconds_and_files(new_batch: NewBatch) -> tuple[float, dict[str, bytes]]:
    batch = new_batch("undisturbed")
    started = time.process_time()
    assert osteolens(*batch.command) == EXIT_FAILURE
    return time.process_time() - started, batch.files()


@pytest.fixture(scope="module")
def undisturbed(seconds_and_files: tuple[float, dict[str, bytes]]) -> dict[str, bytes]:
    return seconds_and_files[1]


def test_an_undisturbed_batch_leaves_its_results_alone(undisturbed: dict[str, bytes]) -> None:
    kinds = [name for name in undisturbed if not name.startswith("overlays/")]
    assert kinds == ["predictions.csv", "predictions.json"]
    assert len(undisturbed) == 2 + FILES - 4 - 1  # four blank files, one broken


def test_killed_at_random_it_ends_with_the_same_bytes(
    new_batch: NewBatch, server: Any, seconds_and_files: tuple[float, dict[str, bytes]]
) -> None:
    seconds, undisturbed = seconds_and_files
    batch = new_batch("at_random")
    moments = seconds * np.random.default_rng(7).uniform(0.1, 0.9, KILLS)
    codes = [run_for(server, batch.command, moment) for moment in sorted(moments.tolist())]
    assert codes.count(-signal.SIGPROF) >= 2, "the kills came too late for this test to mean anything"
    assert set(codes) <= {EXIT_FAILURE, -signal.SIGPROF}
    assert osteolens(*batch.command) == EXIT_FAILURE
    assert batch.files() == undisturbed


@pytest.mark.parametrize(
    ("moment", "whole_parts"),
    [
        (("run.json", 1), 0),
        ((".png", 10), 1),
        ((".jsonl", 3), 2),
        (("predictions.json", 1), 4),
        (("predictions.csv", 1), 4),
    ],
)
def test_killed_before_a_file_is_in_its_place_it_goes_on_after_the_last_whole_part(
    new_batch: NewBatch, server: Any, undisturbed: dict[str, bytes], moment: tuple[str, int], whole_parts: int
) -> None:
    name, number = moment
    batch = new_batch(f"at_{name}_{number}")
    process = run_until(server, batch.command, name, number, batch.root / "marker")
    assert kill(process) == -signal.SIGKILL
    parts = sorted((batch.out / "parts").glob("part-*"))
    assert len(parts) == whole_parts
    kept = {part.name: part.stat().st_mtime_ns for part in parts}
    process = run_until(server, batch.command, "predictions.json", 1, batch.root / "marker")
    times = {part.name: part.stat().st_mtime_ns for part in (batch.out / "parts").glob("part-*")}
    assert len(times) == 4
    assert kept.items() <= times.items(), "a whole part was made again"
    kill(process)
    assert osteolens(*batch.command) == EXIT_FAILURE
    assert batch.files() == undisturbed


def test_another_process_and_other_options_are_refused_until_it_is_thrown_away(
    new_batch: NewBatch, server: Any, undisturbed: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    batch = new_batch("in_use")
    process = run_until(server, batch.command, ".jsonl", 2, batch.root / "marker")
    assert osteolens(*batch.command) == EXIT_FAILURE
    assert f"{batch.out} is in use by another process" in capsys.readouterr().err
    kill(process)
    lively_checkpoint(batch.root / "other.pt", seed=1)
    for others, told in (
        (["--accept", "blank"], "--accept."),
        (["-o", "inference.part_size=9"], "inference.part_size."),
        (["-o", "explanation.method=gradcam"], "--gradcam or explanation.*."),
        ([str(batch.root / "more.png")], "the pictures."),
        (["--checkpoint", str(batch.root / "other.pt")], "the model."),
    ):
        assert osteolens(*batch.command, *others) == EXIT_FAILURE
        assert f"holds an unfinished batch that differs in: {told} Run it again" in capsys.readouterr().err
    assert len(list((batch.out / "parts").glob("part-*"))) == 1
    assert osteolens(*batch.command, "--accept", "blank", "--accept", "few-greys", "--fresh") == EXIT_FAILURE
    assert batch.files().keys() > undisturbed.keys()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_processes_that_read_end_with_a_killed_parent_and_change_nothing(
    new_batch: NewBatch, server: Any, undisturbed: dict[str, bytes]
) -> None:
    batch = new_batch("with_workers")
    command = [*batch.command, "-o", "inference.workers=2"]
    process = run_until(server, command, ".jsonl", 3, batch.root / "marker")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    kill(process)
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a process outlived its parent"
        time.sleep(0.1)
    assert osteolens(*command) == EXIT_FAILURE
    assert batch.files() == undisturbed
