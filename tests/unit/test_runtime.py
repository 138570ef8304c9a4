from __future__ import annotations

import json
import platform
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import osteolens
from osteolens.runtime import (
    RECORDED_PACKAGES,
    cpu_threads,
    ensure_torchvision,
    get_device,
    keep_freed_memory,
    opencv_threads,
    provenance,
    seed_everything,
)


@pytest.fixture
def _torch_as_before() -> Iterator[None]:
    enabled, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    benchmark, state = torch.backends.cudnn.benchmark, torch.random.get_rng_state()
    yield
    torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
    torch.backends.cudnn.benchmark = benchmark
    torch.random.set_rng_state(state)


def _global_draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002, S311


@pytest.mark.usefixtures("_torch_as_before")
def test_one_seed_governs_every_global_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    seed_everything(5, deterministic=True)
    first = _global_draws()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert not torch.backends.cudnn.benchmark
    seed_everything(5, deterministic=False)
    assert _global_draws() == first
    assert not torch.are_deterministic_algorithms_enabled()
    seed_everything(6, deterministic=False)
    assert all(one != other for one, other in zip(_global_draws(), first, strict=True))


def test_the_device_is_the_one_asked_for_or_the_best_present() -> None:
    assert get_device("cpu") == torch.device("cpu")
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert get_device().type == best


def test_provenance_tells_versions_but_neither_user_nor_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME"):
        monkeypatch.setenv(name, "zz-secret-name")
    monkeypatch.setattr(platform, "node", lambda: "zz-secret-name")
    monkeypatch.setattr(socket, "gethostname", lambda: "zz-secret-name")
    told = provenance(torch.device("cuda", 1))  # the one that is used, whatever is here
    assert set(told) == {"osteolens", "commit", "python", "platform", "packages", "threads", "device"}
    assert told["osteolens"] == osteolens.__version__
    assert set(told["packages"]) == set(RECORDED_PACKAGES)
    assert told["packages"]["numpy"] == np.__version__
    assert told["threads"] >= 1
    assert told["device"] == "cuda:1"
    text = json.dumps(told)
    assert "zz-secret-name" not in text
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[2]) not in text


def test_the_commit_is_a_hash_or_unknown() -> None:
    commit = provenance(torch.device("cpu"))["commit"]
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}(\+changes)?", commit)


def test_the_commit_is_unknown_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance(torch.device("cpu"))["commit"] is None


def test_torchvision_and_timm_can_be_imported_here() -> None:
    ensure_torchvision()
    assert "torchvision" in sys.modules
    import timm

    assert timm.is_model("mobilenetv2_100")


def test_torchvision_of_another_build_is_made_to_import_and_a_matching_one_is_left_alone(tmp_path: Path) -> None:
    # Stand-ins for the three cases: the real package here is only ever one of them.
    stand_ins = {
        "broken": "raise RuntimeError('some other trouble')\n",
        "matching": "HERE = 'matching'\n",
        "unmatched": (
            "import torch\ntorch.library.register_fake('torchvision::nms')(lambda *boxes: None)\nHERE = 'unmatched'\n"
        ),
    }
    for name, text in stand_ins.items():
        (tmp_path / name / "torchvision").mkdir(parents=True)
        (tmp_path / name / "torchvision" / "__init__.py").write_text(text)
    script = """
import sys
from osteolens import runtime

def attempt(folder):
    sys.path.insert(0, folder)
    sys.modules.pop("torchvision", None)
    try:
        runtime.ensure_torchvision()
        result = sys.modules["torchvision"].HERE
    except RuntimeError as error:
        result = str(error)
    print(result, len(runtime._KEPT_LIBRARIES), sep="; ")

for folder in sys.argv[1:]:
    attempt(folder)
runtime.ensure_torchvision()
print(len(runtime._KEPT_LIBRARIES))
"""
    command = [sys.executable, "-c", script, *(str(tmp_path / name) for name in stand_ins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["some other trouble; 0", "matching; 0", "unmatched; 1", "1"]


def test_threads_are_set_for_the_block_only() -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with cpu_threads(None):
        assert torch.get_num_threads() == before


def test_threads_of_opencv_are_set_for_the_block_only() -> None:
    outside = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        with opencv_threads(0):
            assert cv2.getNumThreads() == 1  # OpenCV's answer where it has none of its own
        assert cv2.getNumThreads() == 3
        with pytest.raises(KeyError), opencv_threads(2):
            raise KeyError
        assert cv2.getNumThreads() == 3
        with opencv_threads(None):
            assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(outside)


def test_keeping_freed_memory_is_harmless_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr("ctypes.CDLL", loaded.append)
    for system, libc in (("darwin", ""), ("win32", ""), ("linux", "musl")):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(platform, "libc_ver", lambda libc=libc: (libc, ""))
        keep_freed_memory()
    assert loaded == []


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_stays_with_the_process() -> None:
    code = """
import ctypes, resource
from osteolens.runtime import keep_freed_memory
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
allocate = ctypes.CDLL(None)
allocate.malloc.restype, allocate.malloc.argtypes, allocate.free.argtypes = (
    ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p])
def cost():
    before = faults()
    for _ in range(20):
        block = allocate.malloc(64 << 20)
        ctypes.memset(block, 1, 64 << 20)
        allocate.free(block)
    return faults() - before
plain = cost()
keep_freed_memory()
print(plain, cost())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    plain, kept = map(int, found.stdout.split())
    assert kept < plain / 5  # the pages are taken once instead of twenty times
