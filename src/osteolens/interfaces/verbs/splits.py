"""Verbs that divide a data set and check a division."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import EXIT_FAILURE, ConfigError
from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    Overrides,
    Quiet,
    Splits,
    load_chosen,
    require_png,
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
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.data.splits import class_counts
    from osteolens.experiments import stages
    from osteolens.interfaces.tables import split_table

    for name in names:
        manifest = stages.split(options, radiographs, name)
        say(f"{stages.manifest_path(options, name)}\n{split_table(class_counts(manifest))}")


def leakcheck(
    manifest: Annotated[Path, typer.Argument(help="Any CSV or workbook with the columns image_id and split.")],
    group_column: Annotated[str | None, typer.Option(help="Column that names the patient or case.")] = None,
    limit: Annotated[float, typer.Option(min=0, max=1, help="Largest share with a sibling in train.")] = 0.0,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures: find copies and look-alikes.")] = None,
    data: Annotated[Path | None, typer.Option("--data", "-d", help="Data root: its pictures, and its cases.")] = None,
    config: ConfigFile = None,
    override: Overrides = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the shares there, a .png file.")] = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Tell which share of the evaluation images has a sibling in train; exit code 1 over the limit."""
    has_data = data is not None or config is not None or bool(override)
    if images is not None and has_data:
        raise ConfigError("give either --images FOLDER or --data ROOT (or --config), not both.")
    require_png(figure, "--figure")
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.data import leakage
    from osteolens.data.radiographs import load_radiographs
    from osteolens.interfaces.tables import leakage_table

    radiographs = load_radiographs(options.data) if has_data else None
    result = leakage.leakcheck(manifest, group_column=group_column, limit=limit, images=images, data=radiographs)
    if figure is not None:
        from osteolens.data.leakage.figure import draw_leakage

        draw_leakage(result, figure)
    say(to_json(result).rstrip() if json else f"{result['sentence']}\n\n{leakage_table(result)}")
    if not result["passed"]:
        raise typer.Exit(EXIT_FAILURE)
