"""Verbs that answer for new pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import EXIT_FAILURE, ConfigError
from osteolens.interfaces.options import AsJson, ConfigFile, Overrides, Quiet, Run, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


def infer(
    image: Annotated[Path | None, typer.Option(help="One radiograph.")] = None,
    input_dir: Annotated[Path | None, typer.Option(help="A folder of radiographs.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint or an exported model (.onnx). Default: inference.default_checkpoint."),
    ] = None,
    run: Run = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/inference"),
    with_maps: Annotated[bool, typer.Option("--gradcam", help="Write an overlay PNG per picture.")] = False,
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Answer for one radiograph or a folder; exit code 1 when a picture could not be read."""
    options = resolve(config, override, None, quiet=quiet)
    chosen = checkpoint or options.inference.default_checkpoint
    problems = []
    if (image is None) == (input_dir is None):
        problems.append("give either --image FILE or --input-dir FOLDER.")
    if chosen is None:
        problems.append("name a checkpoint with --checkpoint, or set inference.default_checkpoint.")
    if problems or chosen is None:
        raise ConfigError(*problems)
    from osteolens.inference import batch
    from osteolens.inference.predictor import Predictor
    from osteolens.interfaces.tables import answers_table

    paths = [image] if image is not None else batch.list_pictures(input_dir or Path())
    predictor = Predictor.from_file(chosen, options.training.accelerator, run=run, options=options.inference)
    result = batch.infer(predictor, paths, out, gradcam=with_maps)
    say(to_json(result.to_dict(predictor)).rstrip() if json else answers_table(result, predictor, out))
    if result.failures:
        raise typer.Exit(EXIT_FAILURE)
