"""The engine (Lightning Fabric): device, precision, and one process for each of several devices.

Several processes are started by Fabric's own launcher with the start method ``spawn``. It works from the command line,
from Python and from a test alike; starting the command line again for each process would repeat everything that came
before training and fight over the lock of the run, and forked processes hang where torch's threads have run before.
The parent keeps the lock and waits; it ends when they do, and they end when it does.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from osteolens.config import TrainingOptions
from osteolens.errors import ConfigError, OsteolensError, TrainingError
from osteolens.progress import configure_logging
from osteolens.runtime import end_with_parent, get_device

logger = logging.getLogger("osteolens")
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its notes on ranks would come even when quiet
logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # that it ends the others after a failure


Work = Callable[[Fabric], None]


def launch(options: TrainingOptions, work: Work) -> None:
    """Do the work in every process; for several of them it must be possible to pickle it.

    Raises
    ------
    TrainingError
        A process was ended from outside. An error of our own in a process is raised here as it is.
    RuntimeError
        Any other error in one of several processes.
    """
    strategy = "auto" if options.devices == 1 else "ddp_spawn"
    accelerator = get_device(options.accelerator).type
    fabric = Fabric(accelerator=accelerator, devices=options.devices, precision=options.precision, strategy=strategy)
    if options.devices == 1:
        fabric.launch(work)
    else:
        _launch_several(fabric, work)


def _launch_several(fabric: Fabric, work: Work) -> None:
    errors: SimpleQueue[Exception] = multiprocessing.get_context("spawn").SimpleQueue()
    others = set(multiprocessing.active_children())
    level = logger.getEffectiveLevel() if logger.handlers else None
    port = os.environ.get("MASTER_PORT")
    try:
        # bound, since Fabric looks into arguments for networks and does not allow frozen records
        fabric.launch(functools.partial(_process, work=work, errors=errors, level=level))
    except (ProcessRaisedException, ProcessExitedException) as error:
        cause = _cause(error, errors)
        raise cause from (None if isinstance(cause, OsteolensError) else error)
    except KeyboardInterrupt:  # it may have reached the parent alone, which would wait for them at its end
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
            process.join()
        raise
    finally:
        if port is None:
            os.environ.pop("MASTER_PORT", None)  # Fabric leaves the port it found, and would not look for one again


def _cause(error: ProcessRaisedException | ProcessExitedException, errors: SimpleQueue[Exception]) -> Exception:
    """Return what went wrong first: when a process is gone, the others fail for want of it."""
    told = []
    while not errors.empty():
        told.append(errors.get())
    if own := [one for one in told if isinstance(one, OsteolensError)]:
        return own[0]
    if isinstance(error, ProcessExitedException):
        return TrainingError(
            f"a training process was ended from outside ({error}). The same command goes on where it stopped, also "
            "with a smaller training.devices if memory ran out; a smaller training.batch_size makes another run."
        )
    return told[0] if told else error


def has_batch_statistics(network: nn.Module) -> bool:
    """Whether a network has batch norms."""
    return any(name.endswith("running_mean") for name, _ in network.named_buffers())


def require_batch_statistics(network: nn.Module, share: int) -> None:
    """Raise :class:`ConfigError` where batch norms would see batches of a single picture; a process has `share`."""
    if share < 2 and has_batch_statistics(network):
        raise ConfigError(
            "a batch of one picture per device has no batch statistics. Set training.batch_size to 2 or more per "
            "device, or choose a network without batch norm (ConvNeXt, ViT, Swin)."
        )


def share_batch_statistics(fabric: Fabric, network: nn.Module) -> nn.Module:
    """Let batch norms work out their statistics over the batch of all processes, where torch can: not on CPUs.

    Names and values of all tensors stay as they are.
    """
    from timm.layers.norm_act import convert_sync_batchnorm

    if fabric.world_size == 1 or not has_batch_statistics(network):
        return network
    if fabric.device.type == "cpu":
        logger.warning(
            "on CPUs each of the %d processes has batch statistics of its own; those of the first count.",
            fabric.world_size,
        )
        return network
    converted: nn.Module = convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return converted


def _process(fabric: Fabric, *, work: Work, errors: SimpleQueue[Exception], level: int | None) -> None:
    """Do the work in a process of its own; only the first one logs, as the parent would."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    if fabric.global_rank > 0:
        logger.setLevel(logging.ERROR)
    elif level is not None:
        configure_logging(quiet=level > logging.INFO)
    try:
        work(fabric)
    except OsteolensError as error:
        errors.put(error)  # what crosses otherwise is a text with a traceback
        raise
    except Exception as error:  # many kinds cannot be sent to another process
        errors.put(RuntimeError(f"{type(error).__name__} in a training process: {error}"))
        raise


def require_engine(options: TrainingOptions) -> None:
    """Raise :class:`ConfigError` when the devices, the precision or the compiler that are asked for are not there."""
    kind = get_device(options.accelerator).type
    present = {"cpu": _cores(), "cuda": torch.cuda.device_count()}.get(kind, 1)
    if options.devices > present:
        found = f"{present} CPU core(s) for as many processes" if kind == "cpu" else f"{present} of the kind {kind}"
        raise ConfigError(f"training.devices = {options.devices}, but there is/are {found} here. Lower it.")
    if options.precision == "16-mixed" and kind == "cpu":
        raise ConfigError("training.precision = 16-mixed works on GPUs only. Use bf16-mixed or 32-true on a CPU.")
    if options.compile:
        _check_compiler(kind)


def _cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_compiler(kind: str) -> None:
    """Compile next to nothing: whether torch finds all that it needs is known for sure only afterwards."""
    try:
        torch.compile(lambda values: values + 1)(torch.zeros(2, device=kind))
    except Exception as error:  # the kinds differ by what is missing
        reason = next(iter(str(error).splitlines()), "")
        raise ConfigError(
            f"training.compile is true, but torch cannot compile here ({type(error).__name__}: {reason}). Install a "
            "C++ compiler, or set training.compile=false."
        ) from error
