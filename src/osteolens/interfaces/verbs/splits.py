"""Verbs that divide a data set and check a division."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import EXIT_FAILURE
from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    Overrides,
    Quiet,
    Splits,
    chosen_splits,
    resolve,
)
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


def split(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    quiet: Quiet = False,
) -> None:
    """Divide a data set and write a manifest per scheme."""
    options = resolve(config, override, data, quiet=quiet)
    schemes = chosen_splits(options, scheme, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments import stages

    radiographs = load_radiographs(options.data)
    for name in schemes:
        manifest = stages.split(options, radiographs, name)
        counts = manifest.frame.groupby("split", sort=False).size()
        say(f"{stages.manifest_path(options, name)}: " + ", ".join(f"{part} {n}" for part, n in counts.items()))


def leakcheck(
    manifest: Annotated[Path, typer.Argument(help="Any CSV with the columns image_id and split.")],
    group_column: Annotated[str | None, typer.Option(help="Column that names the patient or case.")] = None,
    limit: Annotated[float, typer.Option(min=0, max=1, help="Largest share with a sibling in train.")] = 0.0,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Tell which share of the evaluation images has a sibling in train; exit code 1 over the limit."""
    from osteolens.data import leakage
    from osteolens.interfaces.tables import leakage_table
    from osteolens.progress import configure_logging

    configure_logging(quiet=quiet)
    result = leakage.leakcheck(manifest, group_column=group_column, limit=limit)
    say(to_json(result).rstrip() if json else f"{result['sentence']}\n\n{leakage_table(result)}")
    if not result["passed"]:
        raise typer.Exit(EXIT_FAILURE)
