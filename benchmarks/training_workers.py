"""What ``training_step.py`` measures, each in a process of its own: kept memory is kept by a whole process."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.nn import functional

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.mixed_precision import keep_strided_depthwise_in_float32
from osteolens.runtime import cpu_threads, keep_freed_memory, seed_everything
from osteolens.training.data import TrainingData, build_training_data
from osteolens.training.engine import launch
from osteolens.training.loop import train_one_epoch
from osteolens.training.losses import compute_class_weights
from osteolens.training.run import set_up
from osteolens.training.state import TrainingState

WARM_UP = 2  # steps that are not timed
SECONDS_BETWEEN_LOOKS = 0.01  # at the memory


@dataclass(frozen=True)
class Variant:
    """A way to compute a step."""

    name: str
    bf16: bool = False
    channels_last: bool = True
    depthwise_in_float32: bool = False
    freed_memory_kept: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Times:
    """Median seconds of a step of the loop, of them loading, and of a step on the network alone."""

    loading: float
    rest: float
    alone: float


class Worker:
    """A process that measures the same again and again, each time it is asked.

    Parameters
    ----------
    prepare
        Called with `arguments` in the new process; returns what is called for each measurement.
    """

    def __init__(self, prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(far_end, prepare, arguments), daemon=True)
        self.process.start()
        far_end.close()  # so that the end of the process is seen here

    def measure(self) -> Any:
        """Return one measurement."""
        self.connection.send(True)
        return self.connection.recv()

    def close(self) -> None:
        """Let the process end, and its memory with it."""
        self.connection.send(False)
        self.process.join()


def _serve(connection: Connection, prepare: Callable[..., Callable[[], Any]], arguments: tuple[Any, ...]) -> None:
    measure = None
    while connection.recv():
        measure = measure or prepare(*arguments)
        connection.send(measure())


def training_step(model: torch.nn.Module, images: torch.Tensor, *, bf16: bool = False) -> Callable[[], None]:
    """Return one step of the optimiser on a batch."""
    optimiser = torch.optim.AdamW(model.parameters())
    labels = torch.zeros(len(images), dtype=torch.long)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(images)
        functional.cross_entropy(logits.float(), labels).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def variant_step(variant: Variant, config: Config, steps: int) -> Callable[[], float]:
    """Return a measurement of the median seconds of a step of a variant on random numbers."""
    step = _step_of(variant, config)
    _repeat(step, WARM_UP)
    return lambda: _median_seconds(step, steps)


def operators(variant: Variant, config: Config, steps: int) -> Callable[[], list[tuple[str, float, float]]]:
    """Return a measurement of all operators: name, calls and own milliseconds per step, the longest first."""
    step = _step_of(variant, config)
    _repeat(step, WARM_UP)

    def measure() -> list[tuple[str, float, float]]:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            _repeat(step, steps)
        rows = [(row.key, row.count / steps, row.self_cpu_time_total / 1e3 / steps) for row in profile.key_averages()]
        return sorted(rows, key=lambda row: -row[2])

    return measure


def loop_times(config: Config, steps: int) -> Callable[[], Times]:
    """Return a measurement of the loop as it trains, on the pictures of ``data.root``, and of its network alone."""
    state, parts = ready_to_train(config)
    record, options = config.preprocessing(), config.training
    images = torch.randn(options.batch_size, 3, record.size, record.size).to(memory_format=torch.channels_last)
    alone = training_step(state.network, images, bf16=options.precision == "bf16-mixed")
    _epoch(state, parts, config, WARM_UP)
    _repeat(alone, WARM_UP)

    def measure() -> Times:
        batches = _epoch(state, parts, config, steps)
        return Times(median(batches.waits), median(batches.works), _median_seconds(alone, steps))

    return measure


def peak_memory(config: Config, steps: int) -> Callable[[], float]:
    """Return a measurement of the largest private memory (RssAnon, MiB) from decoding to some steps of training.

    The cached pictures are a file in the process's memory map: the system can drop its pages at any time.
    """

    def measure() -> float:
        seen, done = [_private_memory()], threading.Event()

        def watch() -> None:
            while not done.wait(SECONDS_BETWEEN_LOOKS):
                seen.append(_private_memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            _epoch(*ready_to_train(config), config, steps)
        finally:
            done.set()
            watcher.join()
        return max(seen)

    return measure


def _private_memory() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell RssAnon")


def _step_of(variant: Variant, config: Config) -> Callable[[], None]:
    if variant.freed_memory_kept:
        keep_freed_memory()
    _threads(config)
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    padding = {"pad_type": config.model.pad_type} if config.model.pad_type else {}
    model: Any = BTXRDClassifier(config.model.backbone, len(config.class_names), **padding)
    model = model.train().to(memory_format=layout)
    if variant.depthwise_in_float32:
        keep_strided_depthwise_in_float32(model)
    if variant.compiled:
        model = torch.compile(model)
    side = config.data.image_size
    images = torch.randn(config.training.batch_size, 3, side, side).to(memory_format=layout)
    return training_step(model, images, bf16=variant.bf16)


def _repeat(step: Callable[[], None], times: int) -> None:
    for _ in range(times):
        step()


def _median_seconds(step: Callable[[], None], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = perf_counter()
        step()
        seconds.append(perf_counter() - started)
    return median(seconds)


class _TimedBatches:
    """The first batches of a loader, with the seconds that each was waited for and that it was worked on."""

    def __init__(self, loader: Any, number: int) -> None:
        self.loader, self.number = loader, min(number, len(loader))
        self.waits: list[float] = []
        self.works: list[float] = []

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        for _ in range(self.number):
            asked = perf_counter()
            batch = next(batches)
            given = perf_counter()
            yield batch
            self.waits.append(given - asked)
            self.works.append(perf_counter() - given)


def _epoch(state: TrainingState, parts: TrainingData, config: Config, steps: int) -> _TimedBatches:
    batches: Any = _TimedBatches(parts.loader, steps)
    train_one_epoch(state, replace(parts, loader=batches), config.training, epoch=0)
    return batches


def ready_to_train(config: Config) -> tuple[TrainingState, TrainingData]:
    """Set up what ``osteolens train`` sets up."""
    keep_freed_memory()
    _threads(config)
    seed_everything(config.seed, deterministic=config.deterministic)
    data = load_radiographs(config.data)
    parts = build_training_data(data, make_split(data, config.training.split_strategy, config), config)
    weights = compute_class_weights(parts.dataset.labels, config.class_names, config.training.class_weighting)
    ready = []

    def work(fabric: Fabric) -> None:
        ready.append(set_up(config, parts, fabric, weights.tolist()))

    launch(config.training, work)
    return ready[0], parts


def _threads(config: Config) -> None:
    cpu_threads(config.training.threads).__enter__()  # until the process ends
