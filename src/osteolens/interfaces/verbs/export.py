"""The verb that makes one file of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.interfaces.options import AsJson, ConfigFile, DataRoot, Overrides, Quiet, Run, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


def export(
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint to export.")],
    out: Annotated[Path, typer.Option(help="The file to write, ending in .onnx.")] = Path("model.onnx"),
    run: Run = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write an 8-bit model beside it, NAME_int8.onnx.")] = False,
    calibration_data: Annotated[
        Path | None,
        typer.Option(help="Folder of training pictures for --int8. Default: the train part of the run, from --data."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compare with the checkpoint on golden pictures; exit code 1 if it differs."),
    ] = False,
    images: Annotated[Path | None, typer.Option(help="Folder of further pictures for --verify.")] = None,
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Write a checkpoint with preprocessing, decisions and maps as one ONNX file that infer can use."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.inference.export_job import ExportWishes, export_checkpoint
    from osteolens.interfaces.tables import export_lines

    wishes = ExportWishes(run, int8, calibration_data, verify, images)
    made = export_checkpoint(options, checkpoint, out, wishes)
    say(to_json(made).rstrip() if json else export_lines(made))
