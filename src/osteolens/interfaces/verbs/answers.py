"""Verbs that answer for new pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import EXIT_FAILURE
from osteolens.interfaces.options import (
    Accept,
    AsJson,
    CheckpointFile,
    ConfigFile,
    ImageFile,
    ImageFolder,
    Overrides,
    Quiet,
    Run,
    picture_source,
    require_outside,
    resolve,
)
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


def infer(
    image: ImageFile = None,
    input_dir: ImageFolder = None,
    checkpoint: CheckpointFile = None,
    run: Run = None,
    accept: Accept = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/inference"),
    with_maps: Annotated[bool, typer.Option("--gradcam", help="Write an overlay PNG per picture.")] = False,
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Answer for one radiograph or a folder; exit code 1 when a picture could not be read or was refused."""
    options = resolve(config, override, None, quiet=quiet)
    source, chosen = picture_source(image, input_dir, checkpoint, options)
    if with_maps:
        require_outside(out, input_dir)
    from osteolens.inference import batch
    from osteolens.inference.predictor import Predictor
    from osteolens.inference.reading import list_pictures
    from osteolens.interfaces.answers_table import answers_table

    paths = [source] if image is not None else list_pictures(source)
    predictor = Predictor.from_file(
        chosen, options.training.accelerator, run=run, options=options.inference, accept=accept or ()
    )
    result = batch.infer(predictor, paths, out, explanation=options.explanation if with_maps else None)
    say(to_json(result.to_dict(predictor)).rstrip() if json else answers_table(result, predictor, out))
    if result.failures:
        raise typer.Exit(EXIT_FAILURE)
