"""A whole training run: set up, fit, keep. A run that is killed goes on where it stopped."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric

from osteolens.config import Config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.errors import TrainingError
from osteolens.models.checkpoint import Checkpoint, checkpoint_path, load_checkpoint, save_checkpoint
from osteolens.models.factory import create_model
from osteolens.runtime import cpu_threads, provenance, seed_everything
from osteolens.storage import RunFolder, exclusive, fingerprint, write_json, write_table
from osteolens.training.curves import draw_curves
from osteolens.training.data import TrainingData, build_training_data
from osteolens.training.loop import steps_per_epoch, train_one_epoch, validate
from osteolens.training.losses import compute_class_weights
from osteolens.training.optim import create_optimizer, create_scheduler
from osteolens.training.state import TrainingState, weight_average
from osteolens.training.stopping import EarlyStopping

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
    TrainingError
        A checkpoint of another configuration is in the way, or the loss is not finite.
    StorageError
        Another process is training in the same folder.
    """
    split = config.training.split_strategy
    run = run_folder(config, split)
    busy = f"another process is training in {run.root}. Wait for it, or name another experiment."
    with exclusive(run.root, run.root / ".lock", busy), cpu_threads(config.training.threads):
        seed_everything(config.seed, deterministic=config.deterministic)
        identity = _identity(config, data, manifest)
        earlier = _earlier(config, split, identity, fresh=fresh)
        if earlier is not None and earlier.training_state["finished"]:
            logger.info("training on %s is already finished: %s", split, checkpoint_path(config, split, "best"))
            return checkpoint_path(config, split, "best")
        config.save(run.config)
        manifest.write(run.manifest)
        parts = build_training_data(data, manifest, config)
        weights = compute_class_weights(parts.dataset.labels, config.class_names, config.training.class_weighting)
        record = {**provenance(), "run": identity, "data": data.data_hash(), "seed": config.seed}
        write_json(run.provenance, record)
        context = _Context(config, split, run, record, weights.tolist())
        state = _setup(context, parts)
        if earlier is not None:
            state.load_state_dict(earlier.training_state)
            logger.info("going on after epoch %d", earlier.epoch)
        return _fit(context, parts, state)


def _setup(context: _Context, parts: TrainingData) -> TrainingState:
    options = context.config.training
    fabric = Fabric(accelerator=options.accelerator, devices=options.devices, precision=options.precision)
    fabric.launch()
    model = create_model(context.config.model, len(context.config.class_names))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = create_optimizer(model, options)
    scheduler = create_scheduler(optimizer, options, steps_per_epoch(parts, options))
    wrapped, wrapped_optimizer = fabric.setup(model, optimizer)
    return TrainingState(
        fabric=fabric,
        model=wrapped,
        optimizer=wrapped_optimizer,
        scheduler=scheduler,
        average=weight_average(wrapped.module, options.ema_decay),
        class_weights=torch.tensor(context.class_weights, dtype=torch.float32, device=fabric.device),
        stopping=EarlyStopping(options.early_stopping_patience, "min" if options.monitor == "val_loss" else "max"),
        history=[],
    )


def _fit(context: _Context, parts: TrainingData, state: TrainingState) -> Path:
    options = context.config.training
    for epoch in range(len(state.history), options.epochs):
        started = time.monotonic()
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": state.scheduler.get_last_lr()[0]}
        row["train_loss"] = train_one_epoch(state, parts, options, epoch)
        if parts.validation is not None:
            record = context.config.preprocessing()
            row |= validate(state.answering_model, parts.validation, record, context.config.inference.batch_size)
        row["seconds"] = round(time.monotonic() - started, 1)
        state.history.append(row)
        improved = parts.validation is None or state.stopping.update(row[options.monitor], epoch)
        finished = epoch + 1 == options.epochs or (parts.validation is not None and state.stopping.should_stop)
        _keep(context, state, improved=improved, finished=finished)
        logger.info(_line(row, options.epochs, improved=improved))
        if finished:
            break
    return context.best


def _keep(context: _Context, state: TrainingState, *, improved: bool, finished: bool) -> None:
    """Write the log and the checkpoints; the last checkpoint is written last, since a resumed run trusts it."""
    write_table(context.run.log, pd.DataFrame(state.history))
    draw_curves(state.history, context.run.curves)
    checkpoint = Checkpoint(
        model_state={name: value.detach().cpu() for name, value in state.answering_model.state_dict().items()},
        config=context.config.to_dict(),
        class_names=context.config.class_names,
        preprocessing=context.config.preprocessing().to_dict(),
        epoch=len(state.history),
        metrics={name: value for name, value in state.history[-1].items() if name.startswith("val_")},
        class_weights=context.class_weights,
        provenance=context.provenance,
    )
    if improved:
        save_checkpoint(context.best, checkpoint)
    training_state = {**state.state_dict(), "finished": finished}
    save_checkpoint(context.last, dataclasses.replace(checkpoint, training_state=training_state))


def _identity(config: Config, data: RadiographSet, manifest: Manifest) -> str:
    """Return a hash of all that decides the result of a run; a change of it makes another run."""
    values = config.to_dict()
    recipe = {
        name: values[name] for name in ("seed", "deterministic", "class_names", "model", "augmentation", "training")
    }
    rows = manifest.frame[["image_id", "split", "label"]].to_numpy().tolist()
    annotations = data.annotations_hash() if config.training.annotations else None
    return fingerprint([recipe, config.preprocessing().to_dict(), data.data_hash(), rows, annotations])


def _earlier(config: Config, split: str, identity: str, *, fresh: bool) -> Checkpoint | None:
    """Return the checkpoint to go on from, None to start anew."""
    last = checkpoint_path(config, split, "last")
    if not last.is_file():
        return None
    if fresh:
        for kind in ("best", "last"):
            path = checkpoint_path(config, split, kind)
            if path.is_file():
                path.replace(path.with_suffix(".previous.pt"))
        return None
    checkpoint = load_checkpoint(last)
    if checkpoint.provenance.get("run") != identity:
        raise TrainingError(
            f"{last} belongs to a run with other options or other data. Name a new experiment "
            "(--override experiment=NAME), or set the earlier one aside with --fresh."
        )
    return checkpoint


def _line(row: dict[str, Any], epochs: int, *, improved: bool) -> str:
    figures = "  ".join(
        f"{name} {row[name]:.3f}" for name in ("train_loss", "val_loss", "val_accuracy", "val_macro_auc") if name in row
    )
    return f"epoch {row['epoch']:>3} of {epochs}  {figures}  {row['seconds']:.0f} s{'  *' if improved else ''}"
