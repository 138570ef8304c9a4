"""A whole training run: set up, fit, keep. A run that is killed goes on where it stopped."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric

from osteolens.config import Config, TrainingOptions
from osteolens.data.leftovers import sweep
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.errors import TrainingError
from osteolens.models.checkpoint import Checkpoint, checkpoint_path, load_checkpoint, save_checkpoint
from osteolens.models.factory import count_parameters, create_model
from osteolens.randomness import named_generator
from osteolens.runtime import cpu_threads, keep_freed_memory, opencv_threads, provenance, seed_everything
from osteolens.storage import RunFolder, exclusive, write_json, write_table
from osteolens.training.averaging import weight_average
from osteolens.training.curves import draw_curves
from osteolens.training.data import LabelledPictures, TrainingData, build_training_data
from osteolens.training.engine import launch, require_batch_statistics, require_engine, share_batch_statistics
from osteolens.training.guidance import create_guidance
from osteolens.training.identity import differences, ingredients
from osteolens.training.loop import steps_per_epoch, train_one_epoch, validate
from osteolens.training.losses import compute_class_weights
from osteolens.training.optim import create_optimizer, create_scheduler
from osteolens.training.state import TrainingState
from osteolens.training.stopping import EarlyStopping, require_monitor
from osteolens.training.tracking import NoteEpoch, epoch_tracker, require_tracking

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class _Context:
    """What stays the same throughout a run."""

    config: Config
    split: str
    run: RunFolder
    provenance: dict[str, Any]
    class_weights: list[float]

    @property
    def best(self) -> Path:
        return checkpoint_path(self.config, self.split, "best")

    @property
    def last(self) -> Path:
        return checkpoint_path(self.config, self.split, "last")


def run_folder(config: Config, split: str) -> RunFolder:
    """Return the folder of the run of this experiment on a split scheme."""
    return RunFolder(config.paths.results_dir / config.experiment / split)


def train(config: Config, data: RadiographSet, manifest: Manifest, *, fresh: bool = False) -> Path:
    """Train on the scheme ``training.split_strategy`` and return the best checkpoint.

    A finished run of the same configuration and data is returned as it is; an unfinished one goes on from its last
    epoch and ends with the figures it would have had without the interruption.

    Parameters
    ----------
    fresh
        Set an earlier run of the same name aside (``.previous.pt``) and start anew.

    Raises
    ------
    ConfigError
        The devices, the precision or the compiler that the options ask for are not there.
    TrainingError
        A checkpoint of another configuration is in the way, the figure that chooses the epoch is undefined on the
        val part, or the loss or the network is no longer finite.
    StorageError
        Another process is training in the same folder.
    """
    require_tracking(config.training)
    split = config.training.split_strategy
    run = run_folder(config, split)
    last = checkpoint_path(config, split, "last")
    busy = "another process is training in {}. Wait for it, or name another experiment.".format
    with (  # checkpoints too: they may be shared by two folders of results
        exclusive(run.root, run.root / ".lock", busy(run.root)),
        exclusive(last, last.with_name(f".{last.stem}.lock"), busy(last)),
    ):
        _clear_up(config, split, run)
        used = ingredients(config, data, manifest)
        earlier = _earlier(config, split, used, fresh=fresh)
        if earlier is not None and earlier.training_state["finished"]:
            logger.info("training on %s is already finished: %s", split, checkpoint_path(config, split, "best"))
            return checkpoint_path(config, split, "best")
        require_engine(config.training)
        if (part := manifest.selection_split) is not None:
            require_monitor(config.training.monitor, manifest.part(part)[Column.LABEL], config.class_names)
        config.save(run.config)
        manifest.write(run.manifest)
        work = functools.partial(_work, config=config, data=data, manifest=manifest, used=used)
        launch(config.training, work)
        return checkpoint_path(config, split, "best")


def _work(
    fabric: Fabric, *, config: Config, data: RadiographSet, manifest: Manifest, used: dict[str, str | None]
) -> None:
    """Train in this process, one of ``training.devices``. The first one validates, and it alone writes."""
    split = config.training.split_strategy
    if fabric.device.type == "cpu":
        keep_freed_memory()
    with cpu_threads(config.training.threads), opencv_threads(0 if config.training.workers > 0 else None):
        seed_everything(config.seed, deterministic=config.deterministic)
        with fabric.rank_zero_first():  # it fills the cache of pictures, from which the others read
            parts = build_training_data(data, manifest, config, rank=fabric.global_rank, processes=fabric.world_size)
        weights = compute_class_weights(parts.dataset.labels, config.class_names, config.training.class_weighting)
        state = set_up(config, parts, fabric, weights.tolist())
        size = {"parameters": count_parameters(state.network)}
        record = {**provenance(fabric.device), **used, **size, "seed": config.seed}
        context = _Context(config, split, run_folder(config, split), record, weights.tolist())
        if fabric.is_global_zero:
            write_json(context.run.provenance, record)
        if context.last.is_file():
            state.load_state_dict(load_checkpoint(context.last).training_state)
            logger.info("going on after epoch %d", len(state.history))
        tracked = config.training if fabric.is_global_zero else config.training.model_copy(update={"tracking": "none"})
        with epoch_tracker(tracked, context.run.tensorboard, len(state.history)) as note_epoch:
            _fit(context, parts, state, note_epoch)


def set_up(config: Config, parts: TrainingData, fabric: Fabric, class_weights: list[float]) -> TrainingState:
    """Return the network with its starting weights, and all that trains it, before the first epoch."""
    options = config.training
    model = create_model(config.model, len(config.class_names), image_size=config.data.image_size)
    require_batch_statistics(model.network, parts.batches.batch_size // fabric.world_size)
    model.network = share_batch_statistics(fabric, model.network)
    model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = create_optimizer(model, options)
    if fabric.global_rank > 0:  # all begin with the same weights, and each draws a dropout of its own
        torch.manual_seed(int(named_generator(config.seed, "process", fabric.global_rank).integers(2**63)))
    return TrainingState(
        fabric=fabric,
        network=model,
        optimizer=fabric.setup_optimizers(optimizer),
        scheduler=create_scheduler(optimizer, options, steps_per_epoch(parts, options)),
        average=weight_average(model, options.ema_decay),
        class_weights=torch.tensor(class_weights, dtype=torch.float32, device=fabric.device),
        stopping=EarlyStopping(options.early_stopping_patience, "min" if options.monitor == "val_loss" else "max"),
        history=[],
        guidance=create_guidance(model, options, config.data.image_size),
    )


def _fit(context: _Context, parts: TrainingData, state: TrainingState, note_epoch: NoteEpoch) -> None:
    options = context.config.training
    for epoch in range(len(state.history), options.epochs):
        started = time.monotonic()
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": max(state.scheduler.get_last_lr())}
        row |= train_one_epoch(state, parts, options, epoch)
        if parts.validation is not None and state.fabric.is_global_zero:
            row |= _validate(context.config, parts.validation, state)
        row["seconds"] = round(time.monotonic() - started, 1)
        row = state.fabric.broadcast(row)  # so all decide alike
        state.history.append(row)
        improved = parts.validation is None or state.stopping.update(row[options.monitor], epoch)
        finished = epoch + 1 == options.epochs or (parts.validation is not None and state.stopping.should_stop)
        note_epoch(row)
        _keep(context, state, improved=improved, finished=finished)
        logger.info(_line(row, options.epochs, improved=improved))
        if finished:
            _tell_end(state, options)
            break


def _tell_end(state: TrainingState, options: TrainingOptions) -> None:
    """Say why training ended and which epoch is kept."""
    stopping, epochs = state.stopping, len(state.history)
    if stopping.best_epoch < 0:
        logger.info("finished after %d epochs; the last one is kept, since no val part chooses among them", epochs)
        return
    early = f": {options.monitor} has not improved for {stopping.waited} epochs" if stopping.should_stop else ""
    kept, figure = stopping.best_epoch + 1, stopping.best
    logger.info("finished after %d epochs%s; epoch %d is kept (%s %.4f)", epochs, early, kept, options.monitor, figure)


def _validate(config: Config, part: LabelledPictures, state: TrainingState) -> dict[str, float]:
    """Return the validation figures as the run will be evaluated: with mirror images where evaluation uses them."""
    return validate(
        state.answering_model,
        part,
        config.preprocessing(),
        batch_size=config.inference.batch_size,
        flip_averaging=config.evaluation.flip_averaging,
    )


def _keep(context: _Context, state: TrainingState, *, improved: bool, finished: bool) -> None:
    """Write the log and the checkpoints; the last checkpoint is written last, since a resumed run trusts it."""
    training_state = {**state.state_dict(), "finished": finished}
    if not state.fabric.is_global_zero:
        return
    write_table(context.run.log, pd.DataFrame(state.history))
    draw_curves(state.history, context.run.curves)
    checkpoint = Checkpoint.of(
        context.config,
        {name: value.detach().cpu() for name, value in state.answering_model.state_dict().items()},
        epoch=len(state.history),
        metrics={name: value for name, value in state.history[-1].items() if name.startswith("val_")},
        class_weights=context.class_weights,
        provenance=context.provenance,
    )
    if improved:
        save_checkpoint(context.best, checkpoint)
    save_checkpoint(context.last, dataclasses.replace(checkpoint, training_state=training_state))


def _clear_up(config: Config, split: str, run: RunFolder) -> None:
    """Remove what a killed process was writing; the lock makes this process the only writer."""
    checkpoints = [checkpoint_path(config, split, kind) for kind in ("best", "last")]
    for path in (*checkpoints, run.config, run.manifest, run.provenance, run.log, run.curves):
        sweep(path.parent, path.name, claim_time=0)


def _earlier(config: Config, split: str, used: dict[str, str | None], *, fresh: bool) -> Checkpoint | None:
    """Return the checkpoint to go on from, None to start anew."""
    best, last = (checkpoint_path(config, split, kind) for kind in ("best", "last"))
    if fresh:
        for path in (last, best):  # without the last one there is no run: a kill in between leaves nothing half done
            if path.is_file():
                path.replace(path.with_suffix(".previous.pt"))
    if not last.is_file():
        return None
    checkpoint = load_checkpoint(last)
    if changed := differences(checkpoint, config, used):
        raise TrainingError(
            f"{last} belongs to a run with other options or other data: {changed}. Name a new experiment "
            "(--override experiment=NAME), or set the earlier one aside with --fresh."
        )
    if not best.is_file():
        raise TrainingError(f"{best} is gone, and {last} goes on from it. Put it back, or train anew with --fresh.")
    return checkpoint


def _line(row: dict[str, Any], epochs: int, *, improved: bool) -> str:
    figures = "  ".join(
        f"{name} {row[name]:.3f}" for name in ("train_loss", "val_loss", "val_accuracy", "val_macro_auc") if name in row
    )
    return f"epoch {row['epoch']:>3} of {epochs}  {figures}  {row['seconds']:.0f} s{'  *' if improved else ''}"
