"""Verbs that answer with DICOM objects, for one file and as a node of the network."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteolens.errors import ConfigError
from osteolens.interfaces.options import Accept, AsJson, CheckpointFile, ConfigFile, Overrides, Quiet, Run, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json

if TYPE_CHECKING:
    from osteolens.config import Config
    from osteolens.dicom_results.model_answers import ModelAnswers

_MEGABYTE = 2**20


def dicom_results(
    image: Annotated[Path, typer.Option(help="One DICOM radiograph.", show_default=False)],
    checkpoint: CheckpointFile = None,
    run: Run = None,
    accept: Accept = None,
    out: Annotated[Path, typer.Option(help="Folder of the objects.")] = Path("results/dicom"),
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Answer for a DICOM radiograph with DICOM objects: picture, region and report. They hold its patient data."""
    options = resolve(config, override, None, quiet=quiet)
    answerer = _answerer(options, checkpoint, run, accept)
    from osteolens.data.dicom.identity import dicom_identity
    from osteolens.dicom_results.results import make_results

    identity = dicom_identity(image)
    answered = answerer.answer(image)
    made = make_results(identity, answered, datetime.now().astimezone())
    files = [str(path) for path in made.write(out)]
    say(to_json({"answer": answered.answer.to_dict(), "files": files}).rstrip() if json else "\n".join(files))


def dicom_node(
    to: Annotated[str, typer.Option(metavar="HOST:PORT:AET", help="Where results are sent.", show_default=False)],
    queue: Annotated[Path, typer.Option(help="Folder of the queue, of this node alone. It holds patient data.")],
    checkpoint: CheckpointFile = None,
    run: Run = None,
    accept: Accept = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 11112,
    title: Annotated[str, typer.Option("--aet", help="AE title of this node.")] = "OSTEOLENS",
    allow: Annotated[
        list[str] | None, typer.Option(help="AE title that may send. Repeatable. Default: any.", show_default=False)
    ] = None,
    max_object: Annotated[int, typer.Option(min=1, help="Largest object, in MiB.")] = 256,
    max_queue: Annotated[int, typer.Option(min=1, help="Objects that may wait; more are turned away.")] = 10_000,
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Receive radiographs by C-STORE, answer them, and send the results on, until it is interrupted."""
    from osteolens.dicom_node.network import Limits, Peer, checked_title
    from osteolens.dicom_node.node import NodeOptions, serve

    options = resolve(config, override, None, quiet=quiet)
    limits = Limits(tuple(map(checked_title, allow or ())), max_object * _MEGABYTE)
    node = NodeOptions(queue, Peer.from_text(to), checked_title(title), host, port, max_queue, limits)
    serve(node, _answerer(options, checkpoint, run, accept), threading.Event().wait)


def _answerer(options: Config, checkpoint: Path | None, run: Path | None, accept: list[str] | None) -> ModelAnswers:
    chosen = checkpoint or options.inference.default_checkpoint
    if chosen is None:
        raise ConfigError("name a checkpoint with --checkpoint, or set inference.default_checkpoint.")
    from osteolens.dicom_results.model_answers import ModelAnswers
    from osteolens.inference.predictor import Predictor

    predictor = Predictor.from_file(
        chosen, options.training.accelerator, run=run, options=options.inference, accept=accept or ()
    )
    return ModelAnswers(predictor, options.explanation)
