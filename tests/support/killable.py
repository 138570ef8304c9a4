"""The command in processes that can be killed at a chosen moment. Starting one repeats no import."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from osteolens.experiments import stages  # noqa: F401  what a verb would import
from osteolens.interfaces.cli import main
from osteolens.runtime import ensure_torchvision

ensure_torchvision()
import timm  # noqa: E402, F401

PATIENCE = 120.0  # seconds to wait for another process


def prepared_server() -> ForkServerContext:
    """Return a context whose processes begin with everything imported."""
    server = multiprocessing.get_context("forkserver")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.setenv("OMP_NUM_THREADS", "1")
        server.set_forkserver_preload([__name__])
        first = server.Process(target=time.sleep, args=(0,))
        first.start()
        first.join(PATIENCE)
    return server


def run_until(server: ForkServerContext, arguments: list[str], name: str, number: int, marker: Path) -> BaseProcess:
    """Run the command until just before the `number`-th file whose name ends in `name` is put in its place."""
    process = server.Process(target=_pausing_command, args=(arguments, name, number, marker))
    process.start()
    deadline = time.monotonic() + PATIENCE
    while not marker.exists():
        assert process.is_alive(), "the process ended before it came to the point"
        assert time.monotonic() < deadline, "the process never came to the point"
        time.sleep(0.01)
    marker.unlink()
    return process


def run_for(server: ForkServerContext, arguments: list[str], seconds: float) -> int | None:
    """Let the command have so many seconds of processor time, then kill it; return its exit code.

    The system ends it with ``SIGPROF``, as abruptly as with ``SIGKILL``. A clock on the wall would strike at other
    moments when the machine has other work.
    """
    process = server.Process(target=_limited_command, args=(arguments, seconds))
    process.start()
    process.join(PATIENCE)
    return process.exitcode


def kill(process: BaseProcess) -> int | None:
    """Kill a process, without a chance to clear up, and return its exit code."""
    process.kill()
    process.join(PATIENCE)
    return process.exitcode


def _command(arguments: list[str]) -> None:
    sys.argv = ["osteolens", *arguments]
    main()


def _limited_command(arguments: list[str], seconds: float) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    _command(arguments)


def _pausing_command(arguments: list[str], name: str, number: int, marker: Path) -> None:
    _pause_before(name, number, marker)
    _command(arguments)


def _pause_before(name: str, number: int, marker: Path) -> None:
    replace, seen = Path.replace, 0

    def paused(self: Path, target: Path) -> Path:
        nonlocal seen
        seen += Path(target).name.endswith(name)
        if seen == number:
            marker.touch()
            while True:
                signal.pause()
        return replace(self, target)

    Path.replace = paused  # type: ignore[method-assign, assignment]
