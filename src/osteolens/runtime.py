"""Global seeds, device, the torchvision guard, provenance. torch is imported inside functions only."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import osteolens
from osteolens.errors import EXIT_FAILURE, ConfigError

if TYPE_CHECKING:
    import torch

RECORDED_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "lightning-fabric",
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
)

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # numbers of malloc.h


def seed_everything(seed: int, *, deterministic: bool) -> None:
    """Seed Python, numpy and torch; with `deterministic`, let torch use only reproducible algorithms."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  libraries that still draw from the global generator
    torch.manual_seed(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # torch would also fill each new tensor before it is written, which finds bugs and costs a tenth of a step
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@contextlib.contextmanager
def cpu_threads(number: int | None) -> Iterator[None]:
    """Let torch compute with `number` CPU threads inside the block; None leaves it its default, one per core."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def opencv_threads(number: int | None) -> Iterator[None]:
    """Let OpenCV compute with `number` threads inside the block, 0 for none of its own; None leaves it as it is.

    Its threads do not live on in a forked process, and one that waits for them waits for ever: fork with 0.
    """
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(before if number is None else number)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, until it ends; a no-op anywhere but on Linux with glibc.

    glibc takes each large buffer from the system and returns it when it is freed. A training step on a CPU frees and
    takes the same buffers again and again, and the system clears every page of them anew: steps of 160 to 256 pixels
    took 1.2 to 1.7 times as long for it. The two settings are those of ``mallopt(3)``.
    """
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def end_with_parent() -> None:
    """Wait for the end of the process that started this one, however it ends, and end this one at once.

    Run it in a thread: with this process go its locks, and nothing is left behind to wait for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(EXIT_FAILURE)


def get_device(accelerator: str = "auto") -> torch.device:
    """Return the device to use: the accelerator that was asked for, or the best one present for ``auto``."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if accelerator != "auto":
        if not present.get(accelerator, True):
            raise ConfigError(f"training.accelerator = {accelerator!r}, but torch finds no such device here. Use auto.")
        return torch.device(accelerator)
    return torch.device(next((kind for kind, there in present.items() if there), "cpu"))


def ensure_torchvision() -> None:
    """Make ``import torchvision`` (and so ``import timm``) work beside a torch build of another kind.

    The torchvision wheel on the Python package index is built for CUDA. Beside a CPU-only torch its compiled
    operators cannot be loaded, and importing it fails while it registers shapes for ``nms``. Declaring the two missing
    operators first lets the import go through; osteolens uses none of them. With a matching pair nothing is done.
    """
    import torch

    if "torchvision" in sys.modules:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for operator in ("nms", "qnms"):
            signature = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(signature)  # type: ignore[no-untyped-call]
        _KEPT_LIBRARIES.append(library)
        importlib.import_module("torchvision")


_KEPT_LIBRARIES: list[Any] = []  # a torch Library takes its operators away when it is collected


def provenance(device: torch.device) -> dict[str, Any]:
    """Return what is needed to repeat a run on `device`: versions, commit, platform, threads. No user or host name."""
    import torch

    return {
        "osteolens": osteolens.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
        "threads": torch.get_num_threads(),
        "device": str(device),
    }


def _version(package: str) -> str | None:
    """Return a package's version, or None where it came under another name (OpenCV has several builds)."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the source tree, with ``+changes`` when it was edited, or None outside a checkout."""
    try:
        return _git("rev-parse", "HEAD") + ("+changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
