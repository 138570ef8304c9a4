"""Parts of a batch on several machines: each part is a task of Ray, each of its processes opens the model once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from osteolens.config import ExplanationOptions
from osteolens.errors import ConfigError, InferenceError, OsteolensError
from osteolens.inference.answering import Part, answer_parts
from osteolens.inference.batch_record import batch_record
from osteolens.inference.export_file import require_package
from osteolens.inference.outcome import Outcome
from osteolens.inference.predictor import Predictor
from osteolens.progress import track

LOCAL = "local"  # address of a cluster that is started here and ends with the call
AUTO = "auto"  # address of the cluster that this machine is part of
RETRIES = 2  # times that a part is begun again after its process was lost
_PATIENCE = 10.0  # seconds to wait for a cluster; Ray itself would wait for minutes
_STORE = 100 << 20  # bytes of shared memory for results on their way, on this machine

OpenPredictor = Callable[[], Predictor]


class PartWorker:
    """A process that answers parts, in the folder and with the number of threads of the one that asks.

    Paths are told as they were given, and the last digits of a network can depend on the threads.
    """

    def __init__(
        self,
        open_predictor: OpenPredictor,
        out: Path,
        explanation: ExplanationOptions | None,
        folder: Path,
        threads: int,
    ) -> None:
        os.chdir(folder)
        torch.set_num_threads(threads)
        self._predictor, self._out, self._explanation = open_predictor(), out, explanation

    def head(self) -> dict[str, Any]:
        """Return what the records of its answers would begin with."""
        return batch_record(self._predictor, ())

    def answer(self, part: Part) -> list[Outcome]:
        """Return the outcomes of a part."""
        (outcomes,) = answer_parts(self._predictor, [part], self._out, self._explanation)
        return outcomes


def answer_on_ray(
    predictor: Predictor,
    parts: Sequence[Part],
    out: Path,
    explanation: ExplanationOptions | None,
    *,
    open_predictor: OpenPredictor,
    address: str,
    workers: int,
) -> Iterator[list[Outcome]]:
    """Answer for every file on a cluster, see :class:`osteolens.inference.answering.Answering`.

    Model, pictures, `out` and the working folder must be found under the same paths on every machine. A part whose
    process is lost is done again.

    Parameters
    ----------
    predictor
        Those of the processes must be like it.
    open_predictor
        Opens the model; it is called once in each process.
    address
        ``host:port`` of a running cluster, :data:`AUTO` or :data:`LOCAL`.
    workers
        Processes, each of one CPU of the cluster.

    Raises
    ------
    ConfigError
        Ray is not installed, the cluster does not answer or is too small, or a process has another model or version.
    InferenceError
        A process could not open the model, or was lost again and again.
    """
    if not parts:
        return
    ray = require_package("ray", "ray")
    pools = require_package("ray.util", "ray")
    with _cluster(ray, address, workers), _errors(ray):
        of_ray = ray.remote(max_restarts=-1, max_task_retries=RETRIES, num_cpus=1, scheduling_strategy="SPREAD")
        create = of_ray(PartWorker).remote
        made_of = (open_predictor, out, explanation, Path.cwd(), torch.get_num_threads())
        crew = [create(*made_of) for _ in range(workers)]
        _require_same(ray.get([worker.head.remote() for worker in crew]), batch_record(predictor, ()))
        results = pools.ActorPool(crew).map(lambda worker, part: worker.answer.remote(part), parts)
        yield from track(results, "answering, parts", total=len(parts))


@contextlib.contextmanager
def _cluster(ray: Any, address: str, workers: int) -> Iterator[None]:
    """Join a cluster, or start one here, and leave it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers that it is used
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # leave the choice of device to --override
    own = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": _STORE} if address == LOCAL else {}
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        _require_listening(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"--ray {address}: no Ray cluster can be joined there ({reason}). Start one "
            "with `ray start --head` and give its host:port, or give auto on a machine of it, or local."
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_term)  # Ray takes it for itself
    try:
        if (present := ray.cluster_resources().get("CPU", 0)) < workers:
            raise ConfigError(f"inference.ray_workers = {workers}, but the cluster has {present:.0f} CPU(s). Lower it.")
        yield
    finally:
        ray.shutdown()


def _require_listening(address: str) -> None:
    """Raise an OSError or a ValueError where nothing answers at ``host:port``."""
    if address not in {LOCAL, AUTO}:
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), _PATIENCE).close()


@contextlib.contextmanager
def _errors(ray: Any) -> Iterator[None]:
    """Raise errors of the processes as errors of this one."""
    try:
        yield
    except ray.exceptions.RayActorError as error:
        last = str(error).strip().splitlines()[-1]
        raise InferenceError(
            f"a process of Ray was lost {RETRIES + 1} times in one part, or could not begin ({last}). Try the same "
            "command without --ray: what is done is kept."
        ) from error
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, OsteolensError):
            raise error.cause from None
        raise


def _require_same(heads: Sequence[dict[str, Any]], own: dict[str, Any]) -> None:
    for head in heads:
        if other := [key for key, value in own.items() if head.get(key) != value]:
            raise ConfigError(
                f"a process of Ray differs from this one in {', '.join(other)}. Install the same version of osteolens "
                "on every machine, and let all of them read the same model."
            )
