"""``osteolens infer --ray local``: real Ray, two processes of it, with and without losing one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from exported import lively_checkpoint
from limbs import limb

pytest.importorskip("ray", reason="needs the extra osteolens[ray]")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for Ray's processes in /proc"),
]

FILES = 24
PATIENCE = 300.0  # Ray starts a dozen processes, slowly where cores are few and busy
PLAIN_TASK = "import ray; ray.init(num_cpus=1, include_dashboard=False); print(ray.get(ray.remote(lambda: 7).remote()))"
WORKER = "ray::PartWorker"  # how the processes name themselves


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and a folder with good files and a broken one."""
    made = tmp_path_factory.mktemp("ray")
    lively_checkpoint(made / "best.pt")
    (made / "in").mkdir()
    for number in range(FILES):
        cv2.imwrite(str(made / "in" / f"{number:02}.png"), limb(150, 120, seed=number))
    (made / "in" / "07.png").write_bytes(b"broken")
    return made


@pytest.fixture(scope="module")
def ray_works() -> None:
    """Skip where Ray itself, without osteolens, does not start: it needs shared memory and free ports."""
    try:
        command, patience = [sys.executable, "-c", PLAIN_TASK], PATIENCE / 2
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        pytest.skip(f"Ray itself does not do a plain task in {PATIENCE / 2:.0f} s here")
    if done.returncode != 0 or done.stdout.split() != ["7"]:
        pytest.skip("Ray itself does not start here")


def start(root: Path, out: str, *others: str) -> subprocess.Popen[str]:
    options = ["--checkpoint", "best.pt", "--accept", "novelty", "--gradcam", "-q", "-o", "inference.part_size=4"]
    command = [sys.executable, "-m", "osteolens", "infer", "in/*.png", "--out", out, *options, *others]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=root, env=environment, text=True, **pipes)  # noqa: S603


def finish(process: subprocess.Popen[str], code: int = 1) -> str:
    """Return what was told on standard error; the broken file makes the exit code 1."""
    try:
        _, told = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code, told
    return told


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.endswith(".lock")}


@pytest.fixture(scope="module")
def without_ray(root: Path) -> dict[str, bytes]:
    finish(start(root, "alone"))
    made = files(root / "alone")
    assert len(made) == 2 + FILES - 1
    return made


def descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # ended meanwhile
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def part_workers(process: subprocess.Popen[str]) -> list[int]:
    found = []
    for pid in descendants(process.pid):
        try:
            name = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        if name.startswith(WORKER):
            found.append(pid)
    return found


@pytest.mark.usefixtures("ray_works")
def test_two_processes_give_the_same_bytes(root: Path, without_ray: dict[str, bytes]) -> None:
    finish(start(root, "two", "--ray", "local"))
    assert files(root / "two") == without_ray


@pytest.mark.usefixtures("ray_works")
def test_the_part_of_a_lost_process_is_done_again(root: Path, without_ray: dict[str, bytes]) -> None:
    process = start(root, "lost", "--ray", "local")
    deadline = time.monotonic() + PATIENCE
    try:
        while len(workers := part_workers(process)) < 2:
            assert process.poll() is None, "the command ended before it had two processes"
            assert time.monotonic() < deadline, "Ray never had two processes"
            time.sleep(0.05)
        os.kill(workers[0], signal.SIGKILL)
    finally:
        finish(process)
    assert files(root / "lost") == without_ray


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense"])
def test_a_cluster_that_is_not_there_is_told(root: Path, address: str) -> None:
    told = finish(start(root, "nowhere", "--ray", address), code=2)
    assert f"--ray {address}: no Ray cluster can be joined there" in told
    assert "Traceback" not in told
