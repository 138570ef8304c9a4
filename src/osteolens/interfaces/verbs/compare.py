"""The verb that sets runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import ConfigError
from osteolens.interfaces.options import AsJson, ConfigFile, Overrides, Quiet, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


def compare(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER...",
            help="Folders of runs, of experiments, or of anybody's predictions as osteolens eval left them.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the page, the figure and the record.")] = Path(
        "results/comparison"
    ),
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Set runs and splits side by side: figures, gap between splits, models on the same images, published figures."""
    if not folders:
        raise ConfigError("name at least one folder of a run, of an experiment, or of evaluated predictions.")
    options = resolve(config, override, None, quiet=quiet)
    from osteolens.evaluation.resampling import Resampling
    from osteolens.experiments.compared_folders import find_folders, read_compared
    from osteolens.experiments.comparison import write_comparison
    from osteolens.reporting.comparison_report import write_comparison_report

    runs = [read_compared(folder) for folder in find_folders(folders)]
    record = write_comparison(runs, out, Resampling.of(options))
    page = write_comparison_report(record, out)
    say(to_json(record).rstrip() if json else page)
