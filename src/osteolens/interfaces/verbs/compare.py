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
        list[Path] | None, typer.Argument(metavar="FOLDER...", help="Run folders, or experiment folders with several.")
    ] = None,
    predictions: Annotated[
        list[Path] | None, typer.Option(help="Any predictions table besides, named by its file. Repeatable.")
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
    if not folders and not predictions:
        raise ConfigError("name at least one folder of a run or of an experiment, or a table with --predictions.")
    options = resolve(config, override, None, quiet=quiet)
    from osteolens.evaluation.headline import Resampling
    from osteolens.experiments.comparison import compare_folders, find_runs
    from osteolens.reporting.comparison_report import write_comparison_report

    resampling = Resampling(**options.evaluation.draws(options.seed))
    record = compare_folders(find_runs(folders or []), predictions or [], out, resampling)
    page = write_comparison_report(record, out)
    say(to_json(record).rstrip() if json else page)
