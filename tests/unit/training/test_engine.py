from __future__ import annotations

import copy
import operator
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from osteolens.config import ModelOptions, TrainingOptions, load_config
from osteolens.errors import ConfigError
from osteolens.models.factory import create_model
from osteolens.training.engine import launch, require_batch_statistics, require_engine, share_batch_statistics

compiler = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("g++") is None, reason="needs a C++ compiler for torch.compile"
)


def test_half_precision_is_refused_on_a_cpu() -> None:
    with pytest.raises(ConfigError, match=r"16-mixed works on GPUs only. Use bf16-mixed or 32-true"):
        require_engine(TrainingOptions(precision="16-mixed", accelerator="cpu"))
    require_engine(TrainingOptions(precision="bf16-mixed", accelerator="cpu", devices=2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_more_devices_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"training.devices = 32, but"):
        require_engine(TrainingOptions(accelerator="cuda", devices=32))


def test_more_processes_than_cores_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"training.devices = 99999, but there is/are \d+ CPU core\(s\)"):
        require_engine(TrainingOptions(accelerator="cpu", devices=99999, batch_size=99999))


def test_batch_norm_wants_more_than_one_picture() -> None:
    normed = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    with pytest.raises(ConfigError, match=r"Set training.batch_size to 2 or more per device, or choose a network"):
        require_batch_statistics(normed, 1)
    require_batch_statistics(normed, 2)
    require_batch_statistics(normed[0], 1)


@pytest.mark.slow
def test_an_unforeseen_error_in_a_process_is_one_sentence() -> None:
    work = operator.methodcaller("no_such_method")
    with pytest.raises(
        RuntimeError, match=r"^AttributeError in a training process: 'Fabric' object .*'no_such_method'$"
    ):
        launch(TrainingOptions(accelerator="cpu", devices=2), work)


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"batch_size = 9 cannot be shared out equally among training.devices = 2"):
        load_config(None, ["training.batch_size=9", "training.devices=2"])


def test_one_device_works_in_this_process() -> None:
    seen: list[Any] = []
    launch(TrainingOptions(accelerator="cpu"), lambda fabric: seen.append((fabric.world_size, fabric.device.type)))
    assert seen == [(1, "cpu")]


def test_shared_batch_statistics_keep_names_and_answers() -> None:
    network = create_model(ModelOptions(backbone="mobilenetv2_050"), 3).network.eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    state, answers = copy.deepcopy(network.state_dict()), network(images)
    two_gpus: Any = SimpleNamespace(world_size=2, device=torch.device("cuda", 0))
    shared = share_batch_statistics(two_gpus, network)
    kinds = {type(module).__name__ for module in shared.modules() if hasattr(module, "running_mean")}
    assert kinds == {"SyncBatchNormAct"}
    assert shared.state_dict().keys() == state.keys()
    assert all(shared.state_dict()[name].equal(value) for name, value in state.items())
    assert shared(images).equal(answers)


def test_batch_statistics_stay_apart_on_cpus() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    two_cpus: Any = SimpleNamespace(world_size=2, device=torch.device("cpu"))
    assert share_batch_statistics(two_cpus, network) is network
    assert type(network[0]) is torch.nn.BatchNorm2d


@compiler
@pytest.mark.slow
def test_a_missing_compiler_is_told(tmp_path: Path) -> None:
    code = (
        "from osteolens.config import TrainingOptions\n"
        "from osteolens.training.engine import require_engine\n"
        "require_engine(TrainingOptions(accelerator='cpu', compile=True))"
    )
    environment = {**os.environ, "CXX": "/nowhere/g++", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    last = done.stderr.splitlines()[-1]
    assert "ConfigError: training.compile is true, but torch cannot compile here" in last
    assert "Install a C++ compiler, or set training.compile=false." in last


@compiler
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's compiler warns of torch itself
@pytest.mark.slow
def test_compiling_leaves_the_names_of_a_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    options = TrainingOptions(accelerator="cpu", compile=True)
    require_engine(options)
    plain = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    names = set(plain.state_dict())
    wrapped = Fabric(accelerator="cpu", devices=1).setup_module(torch.compile(plain))
    values = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(wrapped(values), plain(values), atol=1e-6)
    assert set(plain.state_dict()) == names
